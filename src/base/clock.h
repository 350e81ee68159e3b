// The one clock of the project: monotonic. Policies take a Time as an argument; only loop/ asks what time it
// is.
#pragma once

#include <chrono>

namespace linegate {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Duration = Clock::duration;

using namespace std::chrono_literals;

}  // namespace linegate
