#include "json/scan.h"

#include <algorithm>

#include "json/utf8.h"

namespace linegate::json {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trim_front(std::string_view raw) {
  while (!raw.empty() && is_space(raw.front())) raw.remove_prefix(1);
  return raw;
}

// How far a number or a literal reaches.
std::size_t bare_length(std::string_view raw) {
  auto ends = [](char c) { return c == ',' || c == ']' || c == '}' || is_space(c); };
  return static_cast<std::size_t>(std::find_if(raw.begin(), raw.end(), ends) - raw.begin());
}

// How far the string token at the front of `raw` reaches, both quotes included.
std::size_t string_length(std::string_view raw) {
  std::size_t i = 1;
  while (i < raw.size() && raw[i] != '"') i += raw[i] == '\\' ? 2 : 1;
  return std::min(i + 1, raw.size());
}

std::size_t container_length(std::string_view raw) {
  std::size_t depth = 0;
  std::size_t i = 0;
  while (i < raw.size()) {
    char c = raw[i];
    if (c == '"') {
      i += string_length(raw.substr(i));
      continue;
    }
    ++i;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  return i;
}

// How far the value at the front of `raw` reaches.
std::size_t value_length(std::string_view raw) {
  if (raw.empty()) return 0;
  if (raw[0] == '"') return string_length(raw);
  if (raw[0] == '{' || raw[0] == '[') return container_length(raw);
  return bare_length(raw);
}

std::string_view take(std::string_view& rest, std::size_t length) {
  std::string_view taken = rest.substr(0, length);
  rest = trim_front(rest.substr(length));
  return taken;
}

// Steps over one `c` and the white space behind it.
bool accept(std::string_view& rest, char c) {
  if (rest.empty() || rest[0] != c) return false;
  rest = trim_front(rest.substr(1));
  return true;
}

// What stands between the brackets of a container, up to the end of `raw`.
std::string_view inside(std::string_view raw, char opening) {
  raw = trim_front(raw);
  return accept(raw, opening) ? raw : std::string_view();
}

unsigned hex_value(char c) {
  if (c >= 'a') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A') return static_cast<unsigned>(c - 'A') + 10;
  return static_cast<unsigned>(c - '0') & 15;
}

char32_t hex4(std::string_view digits) {
  char32_t code = 0;
  for (char c : digits.substr(0, 4)) code = code << 4 | hex_value(c);
  return code & 0xffff;
}

char simple_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

bool is_high(char32_t code) {
  return code >= 0xd800 && code < 0xdc00;
}
bool is_low(char32_t code) {
  return code >= 0xdc00 && code < 0xe000;
}

// Reads the escape behind a backslash, and its partner if it is half a pair. False if it has none.
bool append_escape(std::string& out, std::string_view& rest) {
  if (rest[0] != 'u') {
    out += simple_escape(rest[0]);
    rest.remove_prefix(1);
    return true;
  }
  char32_t code = hex4(rest.substr(1));
  rest.remove_prefix(std::min<std::size_t>(5, rest.size()));
  if (is_low(code)) return false;
  if (is_high(code)) {
    if (rest.size() < 6 || !rest.starts_with("\\u")) return false;
    char32_t low = hex4(rest.substr(2));
    if (!is_low(low)) return false;
    rest.remove_prefix(6);
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  append_code_point(out, code);
  return true;
}

std::string_view without_quotes(std::string_view raw_string) {
  return raw_string.size() < 2 ? std::string_view() : raw_string.substr(1, raw_string.size() - 2);
}

}  // namespace

Kind kind(std::string_view raw) {
  raw = trim_front(raw);
  switch (raw.empty() ? 'n' : raw[0]) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::array;
    case '"':
      return Kind::string;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    default:
      return Kind::number;
  }
}

std::string_view trim(std::string_view raw) {
  raw = trim_front(raw);
  while (!raw.empty() && is_space(raw.back())) raw.remove_suffix(1);
  return raw;
}

Members::Members(std::string_view object) : rest_(inside(object, '{')) {}

bool Members::next() {
  accept(rest_, ',');
  if (rest_.empty() || rest_[0] != '"') return false;
  key_ = take(rest_, string_length(rest_));
  accept(rest_, ':');
  value_ = take(rest_, value_length(rest_));
  return true;
}

Elements::Elements(std::string_view array) : rest_(inside(array, '[')) {}

bool Elements::next() {
  accept(rest_, ',');
  value_ = take(rest_, value_length(rest_));
  return !value_.empty();
}

std::optional<std::string_view> find(std::string_view raw, std::string_view name) {
  for (Members member(raw); member.next();) {
    if (key_is(member.key(), name)) return member.value();
  }
  return std::nullopt;
}

std::optional<std::string> unescape(std::string_view raw_string) {
  std::string_view rest = without_quotes(raw_string);
  std::string out;
  out.reserve(rest.size());
  while (!rest.empty()) {
    std::size_t plain = std::min(rest.find('\\'), rest.size());
    out += rest.substr(0, plain);
    rest.remove_prefix(plain);
    if (rest.size() < 2) break;
    rest.remove_prefix(1);
    if (!append_escape(out, rest)) return std::nullopt;
  }
  return out;
}

bool key_is(std::string_view raw_string, std::string_view text) {
  std::string_view inner = without_quotes(raw_string);
  if (inner.size() <= text.size()) return inner == text;  // escapes only make it longer
  return inner.find('\\') != inner.npos && unescape(raw_string) == text;
}

}  // namespace linegate::json
