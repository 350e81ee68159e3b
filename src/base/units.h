// Durations and sizes as people write them: "250ms", "8s", "64KiB".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace linegate {

// A non-negative decimal number (a fraction is allowed) and a unit: us, ms, s, m, h. At most 366 days.
std::optional<Duration> parse_duration(std::string_view text);

// A whole number and a unit: B, KB, MB, GB (powers of 1000), KiB, MiB, GiB (powers of 1024). At most 2^53.
std::optional<std::uint64_t> parse_size(std::string_view text);

// The shortest exact form: "800 ms", "5 s"; microseconds where there is a fraction of a millisecond.
std::string to_text(Duration duration);

}  // namespace linegate
