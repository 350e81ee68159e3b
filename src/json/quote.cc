#include "json/quote.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "json/utf8.h"

namespace linegate::json {
namespace {

// The letter of a two-character escape; NUL if `c` has none.
char short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return '\0';
  }
}

void append_escaped(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '\\';
  if (char letter = short_escape(c)) {
    out += letter;
    return;
  }
  out += "u00";
  out += kHex[static_cast<unsigned char>(c) >> 4];
  out += kHex[static_cast<unsigned char>(c) & 15];
}

bool needs_escape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  if (!is_utf8(text)) return append_quoted(out, make_utf8(text));
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    out += text.substr(done, i - done);
    append_escaped(out, text[i]);
    done = i + 1;
  }
  out += text.substr(done);
  out += '"';
}

std::string quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

std::string& Object::key(std::string_view name) {
  if (out_.size() > 1) out_ += ',';
  append_quoted(out_, name);
  return out_ += ':';
}

Object& Object::text(std::string_view name, std::string_view value) {
  append_quoted(key(name), value);
  return *this;
}

Object& Object::raw(std::string_view name, std::string_view json) {
  key(name) += json;
  return *this;
}

Object& Object::number(std::string_view name, long long value) {
  return raw(name, std::to_string(value));
}

Object& Object::real(std::string_view name, double value, int decimals) {
  if (!std::isfinite(value)) return null(name);
  char digits[400];  // the largest double has 309 before the point
  auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, decimals).ptr;
  return raw(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

Object& Object::flag(std::string_view name, bool value) {
  return raw(name, value ? "true" : "false");
}

Object& Object::null(std::string_view name) {
  return raw(name, "null");
}

std::string Object::take() {
  return std::exchange(out_, "{") + "}";
}

std::string& Array::comma() {
  if (out_.size() > 1) out_ += ',';
  return out_;
}

Array& Array::text(std::string_view value) {
  append_quoted(comma(), value);
  return *this;
}

Array& Array::raw(std::string_view json) {
  comma() += json;
  return *this;
}

std::string Array::take() {
  return std::exchange(out_, "[") + "]";
}

}  // namespace linegate::json
