// What came of a call, as a value. Several callers may hold one response.
#pragma once

#include <memory>
#include <string_view>

#include "base/clock.h"
#include "http/response.h"

namespace linegate {

// Where an answer came from.
enum class Source {
  off,          // the API; nothing is stored for this route
  miss,         // the API
  hit,          // the cache
  stale,        // the cache, after its time: it is being refreshed, or the API fails
  revalidated,  // the cache, after the API said that it is still good
  coalesced,    // another caller's request
};
std::string_view name(Source source);  // stable

// The API says that it cannot answer now: 429 and 5xx.
inline bool is_failure_status(int status) {
  return status == 429 || status >= 500;
}

struct Outcome {
  // Its error, if any, tells kind, phase, limit; `sent` is over all attempts. Never null in what a call
  // answers. Others may hold it, too: do not change it.
  std::shared_ptr<Response> response;
  Source source = Source::off;
  Duration age{};         // of what came from the cache
  unsigned attempts = 0;  // requests handed to libcurl; 0 = none left the queue, or none was needed
  Duration queue{};       // spent waiting for a place, in all
  Duration upstream{};    // spent connecting, waiting and reading, in all
};

}  // namespace linegate
