// What an API says of its quota in its header fields. Pure parsing; see Pace for what follows from it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "http/headers.h"

namespace linegate {

struct Quota {
  std::optional<std::uint64_t> limit;  // requests per window
  std::uint64_t remaining = 0;         // of them
  Duration reset{};                    // until the window ends
};

// From RateLimit (both drafts of draft-ietf-httpapi-ratelimit-headers: `limit=100, remaining=50, reset=30`
// and
// `"default";r=50;t=30`, its limit from RateLimit-Policy), else RateLimit-*, else X-RateLimit-* (Limit,
// Remaining, Reset). A reset that is no number of seconds is a Unix time in seconds or milliseconds, or an
// HTTP date. `wall` is now in Unix seconds. Of several policies the one that lets least through per second
// counts. nullopt if remaining or reset is missing, is no number, or the reset is more than 366 days away.
std::optional<Quota> read_quota(const Headers& headers, std::int64_t wall);

}  // namespace linegate
