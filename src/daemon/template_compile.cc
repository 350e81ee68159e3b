// Compiles what a config says into a Template (template.h), or says what is wrong with it.
#include <algorithm>

#include "base/printable.h"
#include "daemon/schema.h"
#include "daemon/template.h"
#include "json/quote.h"
#include "json/utf8.h"

namespace linegate::daemon {
namespace {

constexpr std::string_view kBreaks("\r\n\0", 3);

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_escape(std::string_view text, std::size_t at) {
  return text[at] == '%' && at + 2 < text.size() && is_hex(text[at + 1]) && is_hex(text[at + 2]);
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// What a path may hold (RFC 3986 section 3.3) beside the unreserved ones.
bool is_path_byte(char c) {
  return std::string_view("/!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

std::string path_literal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_path_byte(text[i]) || is_escape(text, i)) {
      out += text[i];
    } else {
      append_percent_encoded(out, text.substr(i, 1));
    }
  }
  return out;
}

std::string escaped(Place place, std::string_view text) {
  std::string out;
  switch (place) {
    case Place::path:
      return path_literal(text);
    case Place::query:
    case Place::form:
      append_percent_encoded(out, text);
      return out;
    case Place::header:
      return std::string(text);
    case Place::json:
      out = json::quoted(text);
      return out.substr(1, out.size() - 2);
  }
  return out;
}

// Why `text` cannot stand in `place`; `what` is "it" or the secret's name.
std::string refusal(Place place, std::string_view text, const std::string& what) {
  if (place == Place::header && text.find_first_of(kBreaks) != std::string_view::npos) {
    return what + " has CR, LF or NUL, which no header may have";
  }
  if (place == Place::json && !json::is_utf8(text)) return what + " is not UTF-8, which JSON must be";
  if (place == Place::path && text.find_first_of("?#") != std::string_view::npos) {
    return "a path has no \"?\" or \"#\"; a query is written as query = { key = \"value\" }";
  }
  if (place == Place::path && std::any_of(text.begin(), text.end(), is_control)) {
    return "a path has no control characters";
  }
  return "";
}

// The text between parameters, for the check of dots: percent escapes of `.`, `/` and `\` undone.
std::string undo_dots(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string_view escape = is_escape(text, i) ? text.substr(i, 3) : "";
    char plain = escape == "%2e" || escape == "%2E"   ? '.'
                 : escape == "%2f" || escape == "%2F" ? '/'
                 : escape == "%5c" || escape == "%5C" ? '\\'
                                                      : '\0';
    out += plain ? plain : text[i];
    if (plain) i += 2;
  }
  return out;
}

enum class Dots { none, beside_parameter, alone };

// Looks for pieces "." and ".." in a path whose parameters are marked by NUL. One that has a parameter beside
// it can become a piece of its own by the parameter's value.
Dots find_dots(std::string_view marked) {
  Dots found = Dots::none;
  char before = '/';
  while (!marked.empty()) {
    std::size_t end = std::min(marked.find_first_of(std::string_view("/\\\0", 3)), marked.size());
    char after = end < marked.size() ? marked[end] : '/';
    std::string_view piece = marked.substr(0, end);
    if (piece == "." || piece == "..") {
      if (before != '\0' && after != '\0') return Dots::alone;
      found = Dots::beside_parameter;
    }
    before = after;
    marked.remove_prefix(std::min(end + 1, marked.size()));
  }
  return found;
}

// One pass over the text; each take_ function consumes what it names.
class Compiler {
 public:
  Compiler(std::string_view text, Place place, const std::vector<Parameter>& parameters,
           SecretValues& secrets)
      : rest_(text), place_(place), parameters_(parameters), secrets_(secrets) {}

  std::string run() {
    while (!rest_.empty() && error_.empty()) step();
    flush_literal();
    return error_;
  }

  std::vector<Template::Piece> pieces;
  std::string marked;  // for find_dots

 private:
  void step() {
    if (rest_.starts_with("{{") || rest_.starts_with("}}")) return take_literal(rest_.substr(0, 1), 2);
    if (rest_.starts_with("${{")) return take_literal("${", 3);
    if (rest_.starts_with("${")) return take_secret();
    if (rest_[0] == '{') return take_parameter();
    if (rest_[0] == '}') return fail("\"}\" without \"{\"; write \"}}\" for a brace");
    take_literal(rest_.substr(0, 1), 1);
  }

  void fail(const std::string& sentence) { error_ = sentence; }

  void take_literal(std::string_view text, std::size_t length) {
    literal_ += text;
    rest_.remove_prefix(length);
  }

  // The text up to "}", behind an opening of `open` bytes; empty after a failure.
  std::string_view take_braced(std::size_t open) {
    std::size_t end = rest_.find('}');
    if (end == std::string_view::npos) return fail("\"{\" without \"}\"; write \"{{\" for a brace"), "";
    std::string_view inside = rest_.substr(open, end - open);
    rest_.remove_prefix(end + 1);
    if (inside.empty()) fail("\"{}\" names nothing; write \"{{}}\" for braces");
    return inside;
  }

  void take_secret() {
    std::string_view reference = take_braced(2);
    if (!error_.empty()) return;
    if (place_ == Place::path) return fail("a secret cannot stand in a path");
    Resolved secret = resolve_secret(reference);
    if (!secret.error.empty()) return fail(secret.error);
    std::string why = refusal(place_, secret.value, "\"${" + printable(reference) + "}\"");
    if (!why.empty()) return fail(why);
    flush_literal();
    pieces.push_back({Template::Piece::Kind::secret, escaped(place_, secret.value), 0});
    secrets_.push_back(std::move(secret.value));
  }

  void take_parameter() {
    std::string_view wanted = take_braced(1);
    if (!error_.empty()) return;
    std::size_t which = 0;
    while (which < parameters_.size() && parameters_[which].name != wanted) ++which;
    if (which == parameters_.size()) return fail(unknown(wanted));
    flush_literal();
    pieces.push_back({Template::Piece::Kind::parameter, "", which});
    marked += '\0';
  }

  std::string unknown(std::string_view wanted) const {
    std::vector<std::string> known;
    for (const Parameter& parameter : parameters_) known.push_back(parameter.name);
    return "\"{" + printable(wanted) + "}\" is not a parameter" +
           (known.empty() ? " (none can stand here)" : did_you_mean(wanted, known));
  }

  void flush_literal() {
    if (literal_.empty() || !error_.empty()) return;
    error_ = refusal(place_, literal_, "the value");
    marked += undo_dots(literal_);
    pieces.push_back({Template::Piece::Kind::literal, escaped(place_, literal_), 0});
    literal_.clear();
  }

  std::string_view rest_;
  Place place_;
  const std::vector<Parameter>& parameters_;
  SecretValues& secrets_;
  std::string literal_;
  std::string error_;
};

}  // namespace

Template::Compiled Template::compile(std::string_view text, Place place,
                                     const std::vector<Parameter>& parameters, SecretValues& secrets) {
  Compiler compiler(text, place, parameters, secrets);
  std::string error = compiler.run();
  Dots dots = place == Place::path ? find_dots(compiler.marked) : Dots::none;
  if (error.empty() && dots == Dots::alone) error = "a path cannot have a piece \".\" or \"..\"";
  if (!error.empty()) return {{}, std::move(error)};

  Compiled compiled;
  Template& made = compiled.value;
  made.place_ = place;
  made.dots_beside_parameter_ = dots == Dots::beside_parameter;
  made.pieces_ = std::move(compiler.pieces);
  for (const Piece& piece : made.pieces_) {
    if (piece.kind == Piece::Kind::secret) made.has_secret_ = true;
    bool known = std::count(made.parameters_.begin(), made.parameters_.end(), piece.parameter) > 0;
    if (piece.kind == Piece::Kind::parameter && !known) made.parameters_.push_back(piece.parameter);
  }
  return compiled;
}

}  // namespace linegate::daemon
