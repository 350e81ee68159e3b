// Retries: which ends of an attempt are worth another one, how long to wait before it, and how many an
// upstream may be burdened with. Pure policy: time and chance are passed in.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/token_bucket.h"
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
//
// Begins with one second's worth of `min_per_second` (at least one retry, unless that is 0), so that from the
// start on N requests and t seconds permit at most ratio * N + min_per_second * (t + 1) retries (the + 1: at
// least one). What is not used is kept, up to 10 s' worth of `min_per_second` and the `ratio` of 500 requests
// (at least one retry): enough for an API's restart that breaks many connections at once, and hours of calm
// do not store a storm.
class RetryBudget {
 public:
  static constexpr double kKeptSeconds = 10;
  static constexpr double kKeptRequests = 500;

  RetryBudget(double ratio, double min_per_second, Time now);

  void add_request(Time now);
  // Takes one retry out of the budget; false if it is spent.
  bool take(Time now);
  double left(Time now) const;

 private:
  double ratio_;
  TokenBucket retries_;
};

}  // namespace linegate
