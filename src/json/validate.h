// A strict RFC 8259 validator that knows no numbers' sizes and no code points' partners: it decides what is
// JSON whenever simdjson's DOM refuses. It builds nothing and does not recurse.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace linegate::json {

inline constexpr std::string_view kNotUtf8 = "not UTF-8";  // the `what` of that fault

// Why a text is not JSON. `what` has static storage: "expected a value".
struct Fault {
  std::size_t offset = 0;  // of the first byte that cannot stand where it does
  std::string_view what;
  bool too_deep = false;  // nested deeper than asked for; the text may be valid otherwise
};

// nullopt: `text` is one JSON value (RFC 8259 section 2) with white space around it, in valid UTF-8, and its
// objects and arrays are nested at most `max_depth` deep (`[]` is 1, `1` is 0). Numbers may have any size,
// and "\ud800" may stand alone; a byte order mark is a fault. Time is linear, memory at most one byte a
// level.
std::optional<Fault> validate(std::string_view text, std::size_t max_depth);

}  // namespace linegate::json
