// The one clock of the project: monotonic. Policies take a Time as an argument; only loop/ asks what time it
// is.
#pragma once

#include <chrono>

namespace linegate {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Duration = Clock::duration;

using namespace std::chrono_literals;

// `duration` after `time`; Duration::max() after it is never, not an overflow.
inline Time time_after(Time time, Duration duration) {
  return duration > Time::max() - time ? Time::max() : time + duration;
}

}  // namespace linegate
