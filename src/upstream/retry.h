// Retries: which ends of an attempt are worth another one, how long to wait before it, and how many an
// upstream may be burdened with. Pure policy: time and chance are passed in.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "http/response.h"

namespace linegate {

// Of a route.
struct RetryOptions {
  std::uint64_t attempts = 2;  // tries in all, at least 1
  bool on_connect = true;      // no address, no connection, no handshake
  bool on_reset = true;        // the connection was lost
  bool on_timeout = true;      // the connect or the first_byte clock ran out
  std::vector<int> on_status{429, 502, 503, 504};
  Duration backoff_base = 50ms;
  Duration backoff_max = 1s;
};

// An end of that kind may be followed by another attempt. Local refusals never are, nor the clocks over the
// whole call (queue, total, client).
bool worth_retrying(const RetryOptions& options, const Response& response);

// Before the `retry`-th retry (1, 2, ...): full jitter, evenly from 0 to min(backoff_max, backoff_base *
// 2^(retry-1)). `chance` is 0 up to, not including, 1.
Duration backoff(const RetryOptions& options, unsigned retry, double chance);

// How many further attempts an upstream's requests may cause: `ratio` of the requests, and `min_per_second`
// on top. Retries of an outage cannot multiply it.
class RetryBudget {
 public:
  RetryBudget(double ratio, double min_per_second, Time now);

  void add_request(Time now);
  // Takes one retry out of the budget; false if it is spent.
  bool take(Time now);
  double left(Time now) const;
};

}  // namespace linegate
