// What is wrong with a config, as values: collected, sorted by place, printed one a line. Prints nothing by
// itself.
#pragma once

#include <string>
#include <vector>

namespace linegate::daemon {

// A place in the config file, 1-based as editors count; line 0 = the whole file, or a command line flag.
struct Position {
  int line = 0;
  int column = 0;
  bool operator==(const Position&) const = default;
};

struct Diagnostic {
  enum class Severity { error, warning };

  Severity severity = Severity::error;
  std::string file;  // the file's name as given, or the flag's ("--route")
  Position at;
  std::string message;  // one sentence; no secret, foreign bytes escaped and cut

  // "linegate.toml:12:5: unknown key ..."; a warning has "warning: " before its sentence.
  std::string text() const;
};

// The sink that reading a config writes to. `file` names everything reported through it.
class Diagnostics {
 public:
  explicit Diagnostics(std::string file) : file_(std::move(file)) {}

  void error(Position at, std::string message);
  void warning(Position at, std::string message);
  bool failed() const { return failed_; }

  // Everything reported, by place. The sink is empty afterwards.
  std::vector<Diagnostic> take();

 private:
  void add(Diagnostic::Severity severity, Position at, std::string message);

  std::string file_;
  std::vector<Diagnostic> all_;
  bool failed_ = false;
};

}  // namespace linegate::daemon
