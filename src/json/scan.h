// Looks into JSON text that validate() or a Checker has passed, without a tree: cursors over members and
// elements, whose keys and values are slices of the text. On other text the results mean nothing, but nothing
// is read outside.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace linegate::json {

enum class Kind { object, array, string, number, boolean, null };

// What a value is, by its first byte; `raw` may have white space in front.
Kind kind(std::string_view raw);

// `raw` without white space (RFC 8259 section 2) around it.
std::string_view trim(std::string_view raw);

// The members of an object in their order: `for (Members m(raw); m.next();) use(m.key(), m.value());`
// Slices live as long as the text. Duplicate keys are all shown.
class Members {
 public:
  explicit Members(std::string_view object);
  bool next();                                       // to the next member; false behind the last
  std::string_view key() const { return key_; }      // the raw token, in quotes: compare it with key_is()
  std::string_view value() const { return value_; }  // the raw value, trimmed

 private:
  std::string_view rest_;
  std::string_view key_;
  std::string_view value_;
};

// The elements of an array in their order: `for (Elements e(raw); e.next();) use(e.value());`
class Elements {
 public:
  explicit Elements(std::string_view array);
  bool next();
  std::string_view value() const { return value_; }  // the raw value, trimmed

 private:
  std::string_view rest_;
  std::string_view value_;
};

// The value of the first member of that name; nullopt if there is none or `raw` is not an object.
std::optional<std::string_view> find(std::string_view raw, std::string_view name);

// The text of a raw string token (in quotes) as UTF-8; nullopt if it has a surrogate without its partner,
// which UTF-8 cannot hold. The text may contain NUL.
std::optional<std::string> unescape(std::string_view raw_string);

// Whether a raw string token means `text`: "\u0069d" is "id".
bool key_is(std::string_view raw_string, std::string_view text);

}  // namespace linegate::json
