// One try of a flight: what came of it. Not part of the interface.
#pragma once

#include <memory>
#include <utility>

#include "base/clock.h"
#include "http/response.h"

namespace linegate {

// Small: thousands of them wait.
struct Attempt {
  std::shared_ptr<Response> response;  // null: it has not ended
  Duration queue{};                    // spent waiting for a place
  Duration upstream{};                 // spent connecting, waiting and reading
  Time began = Time::max();            // when it left the waiting room
  bool refused = false;                // here: by breaker, pace or gate

  void refuse(HttpError reason) {
    refused = true;
    response = std::make_shared<Response>(Response::failed(std::move(reason)));
  }
};

}  // namespace linegate
