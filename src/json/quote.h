// Writes small JSON texts: strings, objects and arrays of known members. The result is always one line of
// valid UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace linegate::json {

// Appends `text` as a JSON string (RFC 8259 section 7): quotes, backslashes and control characters escaped,
// what is not UTF-8 replaced by U+FFFD, everything else as it is.
void append_quoted(std::string& out, std::string_view text);
std::string quoted(std::string_view text);

// Builds `{"key":value,...}`: `Object().text("name", name).flag("required", true).take()`.
class Object {
 public:
  Object& text(std::string_view key, std::string_view value);
  Object& raw(std::string_view key, std::string_view json);  // `json` is valid and one line
  Object& number(std::string_view key, long long value);
  Object& real(std::string_view key, double value, int decimals = 1);  // 212.4; null if not finite
  Object& flag(std::string_view key, bool value);
  Object& null(std::string_view key);
  std::string take();  // the finished text; the writer is empty afterwards

 private:
  std::string& key(std::string_view name);
  std::string out_ = "{";
};

// Builds `[value,...]`.
class Array {
 public:
  Array& text(std::string_view value);
  Array& raw(std::string_view json);  // `json` is valid and one line
  std::string take();

 private:
  std::string& comma();
  std::string out_ = "[";
};

}  // namespace linegate::json
