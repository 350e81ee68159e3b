// Finds characters beyond ASCII where TOML cannot have them. toml++ up to 3.4 is undefined there (its issues
// 190 and 295: it asks whether they are white space, and that question has no answer for most), so they must
// not reach it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace linegate::daemon {

// The offset of the first one outside of strings and comments, or behind a line-ending backslash in a """
// string, where TOML has them but the library is undefined as well. `text` is UTF-8. On what is no TOML the
// answer may be either.
std::optional<std::size_t> find_stray(std::string_view text);

}  // namespace linegate::daemon
