// One try of a flight: what came of it. Not part of the interface.
#pragma once

#include "base/clock.h"
#include "http/response.h"

namespace linegate {

struct Attempt {
  Response response;
  Duration queue{};          // spent waiting for a place
  Duration upstream{};       // spent connecting, waiting and reading
  Time began = Time::max();  // when it left the waiting room
  bool refused = false;      // here: by breaker, pace or gate
};

}  // namespace linegate
