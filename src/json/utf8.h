// Checks and mends UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace linegate::json {

bool is_utf8(std::string_view text);

// The offset of the first byte that is not part of a valid sequence; text.size() if there is none.
std::size_t find_invalid_utf8(std::string_view text);

// `text` with each byte that is not part of a valid sequence replaced by U+FFFD.
std::string make_utf8(std::string_view text);

// How many code points a valid text has.
std::size_t count_code_points(std::string_view text);

// Appends one code point, which must not be a surrogate.
void append_code_point(std::string& out, char32_t code);

}  // namespace linegate::json
