#include "json/validate.h"

#include <cstdint>
#include <cstring>
#include <string>

#include "json/utf8.h"

namespace linegate::json {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// No quote, backslash or control character among eight bytes of a string. (The borrow of a subtraction can
// only add hits above a real one, so the answer is exact.)
bool eight_plain(const char* bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  auto has_zero = [](std::uint64_t w) { return (w - kOnes) & ~w; };
  std::uint64_t control = (word - kOnes * 0x20) & ~word;
  std::uint64_t hits = has_zero(word ^ kOnes * '"') | has_zero(word ^ kOnes * '\\') | control;
  return (hits & kOnes * 0x80) == 0;
}

// One pass over one text. Steps return false after recording the fault.
class Validator {
 public:
  Validator(std::string_view text, std::size_t max_depth) : text_(text), max_depth_(max_depth) {}

  std::optional<Fault> run() {
    if (std::size_t bad = find_invalid_utf8(text_); bad != text_.size()) return Fault{bad, kNotUtf8};
    return document() ? std::nullopt : std::optional(fault_);
  }

 private:
  bool document() {
    do {
      if (!begin_value() || !end_value()) return false;
    } while (!open_.empty());
    skip_space();
    return pos_ == text_.size() || fail("something behind the value");
  }

  // Reads a scalar or an empty container, after entering the containers that begin with it.
  bool begin_value() {
    for (;;) {
      skip_space();
      char c = peek();
      if (c != '{' && c != '[') return scalar(c);
      if (!enter(c)) return false;
      skip_space();
      if (peek() == closing()) return leave();
      if (c == '{' && !key()) return false;
    }
  }

  // Behind a value: leaves the containers that end here, up to a comma (and the next key) or the end.
  bool end_value() {
    while (!open_.empty()) {
      skip_space();
      if (peek() == ',') {
        ++pos_;
        return open_.back() == '[' || key();
      }
      if (peek() != closing()) return fail(open_.back() == '{' ? "expected , or }" : "expected , or ]");
      leave();
    }
    return true;
  }

  bool enter(char opening) {
    if (open_.size() >= max_depth_) {
      fault_.too_deep = true;
      return fail("nested too deep");
    }
    open_ += opening;
    ++pos_;
    return true;
  }

  bool leave() {
    open_.pop_back();
    ++pos_;
    return true;
  }

  char closing() const { return open_.back() == '{' ? '}' : ']'; }

  // A member's name and its colon.
  bool key() {
    skip_space();
    if (peek() != '"') return fail("expected a member's name in quotes");
    if (!string()) return false;
    skip_space();
    if (peek() != ':') return fail("expected :");
    ++pos_;
    return true;
  }

  bool scalar(char first) {
    switch (first) {
      case '"':
        return string();
      case 't':
        return literal("true");
      case 'f':
        return literal("false");
      case 'n':
        return literal("null");
      default:
        return first == '-' || is_digit(first) ? number() : fail("expected a value");
    }
  }

  bool literal(std::string_view word) {
    if (text_.substr(pos_, word.size()) != word) return fail("expected a value");
    pos_ += word.size();
    return true;
  }

  bool string() {
    ++pos_;
    for (;;) {
      skip_plain();
      if (pos_ == text_.size()) return fail({});
      char c = text_[pos_];
      if (c == '"') break;
      if (c != '\\') return fail("a control character in a string");
      if (!escape()) return false;
    }
    ++pos_;
    return true;
  }

  void skip_plain() {
    while (text_.size() - pos_ >= 8 && eight_plain(text_.data() + pos_)) pos_ += 8;
    while (pos_ < text_.size() && is_plain(text_[pos_])) ++pos_;
  }

  static bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

  bool escape() {
    ++pos_;
    char c = peek();
    if (c == 'u') return hex4();
    if (c == '\0' || std::strchr("\"\\/bfnrt", c) == nullptr) return fail("an unknown escape");
    ++pos_;
    return true;
  }

  bool hex4() {
    ++pos_;
    for (int i = 0; i < 4; ++i, ++pos_) {
      if (!is_hex(peek())) return fail("\\u without four hex digits");
    }
    return true;
  }

  bool number() {
    if (peek() == '-') ++pos_;
    if (peek() == '0') {
      ++pos_;
    } else if (!digits()) {
      return false;
    }
    return fraction() && exponent();
  }

  bool fraction() {
    if (peek() != '.') return true;
    ++pos_;
    return digits();
  }

  bool exponent() {
    if (peek() != 'e' && peek() != 'E') return true;
    ++pos_;
    if (peek() == '+' || peek() == '-') ++pos_;
    return digits();
  }

  bool digits() {
    if (!is_digit(peek())) return fail("expected a digit");
    while (is_digit(peek())) ++pos_;
    return true;
  }

  void skip_space() {
    while (is_space(peek())) ++pos_;
  }

  // NUL at the end, which stands nowhere in JSON.
  char peek() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }

  bool fail(std::string_view what) {
    fault_.offset = pos_;
    fault_.what = pos_ < text_.size() ? what : "it ends too early";
    return false;
  }

  std::string_view text_;
  std::size_t max_depth_;
  std::size_t pos_ = 0;
  std::string open_;  // the opening brackets around pos_; shallow ones need no memory
  Fault fault_;
};

}  // namespace

std::optional<Fault> validate(std::string_view text, std::size_t max_depth) {
  return Validator(text, max_depth).run();
}

}  // namespace linegate::json
