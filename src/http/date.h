// Times in header fields. Pure: what time it is is passed in.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace linegate {

// An HTTP date in Unix seconds, in any of its three forms (RFC 9110 section 5.6.7). Independent of the
// locale; names in any case. A year of two digits is one of 1970 to 2069. Another zone than GMT makes it
// invalid.
std::optional<std::int64_t> parse_http_date(std::string_view field);

// Retry-After: seconds or an HTTP date (RFC 9110 section 10.2.3); `wall` is now in Unix seconds. What is past
// or negative is zero; at most 366 days. nullopt if it is neither.
std::optional<Duration> parse_retry_after(std::string_view field, std::int64_t wall);

// Delta-seconds (RFC 9111 section 1.2.2): what is too large counts as 2^31. nullopt if it is anything but
// digits.
std::optional<Duration> parse_delta_seconds(std::string_view field);

}  // namespace linegate
