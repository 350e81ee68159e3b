// See config_stray.h.
#include "daemon/config_stray.h"

#include <algorithm>

namespace linegate::daemon {
namespace {

constexpr std::string_view kMark = "\xef\xbb\xbf";  // the library drops a byte order mark

bool is_foreign(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text), at_(text.starts_with(kMark) ? kMark.size() : 0) {}

  std::optional<std::size_t> run() {
    while (at_ < text_.size()) {
      if (is_foreign(text_[at_])) return at_;
      step();
    }
    return std::nullopt;
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }
  void skip(std::size_t n) { at_ = std::min(at_ + n, text_.size()); }
  void skip_to(std::string_view any_of) { at_ = std::min(text_.find_first_of(any_of, at_), text_.size()); }

  // What begins at at_, whole.
  void step() {
    if (text_[at_] == '#') return skip_to("\n");
    if (!begins_string()) return skip(1);
    if (rest().starts_with("\"\"\"") || rest().starts_with("'''")) return skip_long_string(text_[at_]);
    skip_string(text_[at_]);
  }

  // A quote in the middle of something else (1'x) begins nothing: the library reads on as if it were a
  // number.
  bool begins_string() const {
    if (text_[at_] != '"' && text_[at_] != '\'') return false;
    return at_ == 0 || std::string_view("\n\r\t =,[{.").find(text_[at_ - 1]) != std::string_view::npos;
  }

  // Ends at its line's end, whether it is closed or not.
  void skip_string(char quote) {
    skip(1);
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      skip(quote == '"' && text_[at_] == '\\' ? 2 : 1);
    }
    skip(1);
  }

  // Stops in front of a character that run() refuses.
  void skip_long_string(char quote) {
    std::string_view closing = quote == '"' ? "\"\"\"" : "'''";
    skip(3);
    while (at_ < text_.size() && !rest().starts_with(closing)) {
      bool escape = quote == '"' && text_[at_] == '\\';
      skip(1);
      if (escape && skip_escape()) return;
    }
    // Up to two quotes may stand before the closing three.
    std::size_t end = std::min(text_.find_first_not_of(quote, at_), text_.size());
    skip(std::min<std::size_t>(end - at_, 5));
  }

  // Behind a backslash; true if such a character follows it, or the white space that it may drop.
  bool skip_escape() {
    std::size_t begin = at_;
    at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
    if (at_ < text_.size() && is_foreign(text_[at_])) return true;
    if (at_ == begin) skip(1);
    return false;
  }

  std::string_view text_;
  std::size_t at_;
};

}  // namespace

std::optional<std::size_t> find_stray(std::string_view text) {
  return Scanner(text).run();
}

}  // namespace linegate::daemon
