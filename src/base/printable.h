// Foreign bytes made fit for a log line or a message: escaped, and cut.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace linegate {

// `bytes` as printable ASCII: quotes, backslashes, control and non-ASCII bytes as \", \\, \n, \xHH; cut to
// `max` bytes of input with "..." behind.
std::string printable(std::string_view bytes, std::size_t max = 64);

// The longest prefix of `text` (valid UTF-8) of at most `max` bytes that ends between code points.
std::string_view cut_utf8(std::string_view text, std::size_t max);

}  // namespace linegate
