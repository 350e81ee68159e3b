// See diagnostic.h.
#include "daemon/diagnostic.h"

#include <algorithm>
#include <utility>

namespace linegate::daemon {

std::string Diagnostic::text() const {
  std::string out = file;
  if (at.line > 0) out += ':' + std::to_string(at.line) + ':' + std::to_string(at.column);
  out += severity == Severity::warning ? ": warning: " : ": ";
  return out + message;
}

void Diagnostics::error(Position at, std::string message) {
  failed_ = true;
  add(Diagnostic::Severity::error, at, std::move(message));
}

void Diagnostics::warning(Position at, std::string message) {
  add(Diagnostic::Severity::warning, at, std::move(message));
}

void Diagnostics::add(Diagnostic::Severity severity, Position at, std::string message) {
  all_.push_back({severity, file_, at, std::move(message)});
}

std::vector<Diagnostic> Diagnostics::take() {
  auto by_place = [](const Diagnostic& a, const Diagnostic& b) {
    return a.at.line != b.at.line ? a.at.line < b.at.line : a.at.column < b.at.column;
  };
  std::stable_sort(all_.begin(), all_.end(), by_place);
  failed_ = false;
  return std::exchange(all_, {});
}

}  // namespace linegate::daemon
