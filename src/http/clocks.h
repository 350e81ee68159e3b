// The clocks of one request, and the error of the one that ran out.
#pragma once

#include "base/clock.h"
#include "http/response.h"

namespace linegate {

// A point in time and the duration that it was made from, which the error tells.
struct Deadline {
  Time at = Time::max();
  Duration limit = Duration::max();
};

// `limit` after `now`; a year or longer is never.
Deadline deadline_after(Time now, Duration limit);

// connect and first_byte start anew in each attempt; the deadlines do not.
struct Clocks {
  Duration connect = 30s;      // name lookup, TCP, TLS, until the request's first byte goes out
  Duration first_byte = 300s;  // from there to the final status line
  Deadline total;              // over everything
  Deadline client;             // likewise, set by somebody else
};

// A deadline, and which clock it belongs to.
struct Expiry {
  Deadline deadline;
  Limit limit = Limit::total;
};

// The first that runs out: the clock of what is going on now, the total, or the client's.
Expiry earliest(Expiry current, const Clocks& clocks);

// How long there is from `now`; at most a day, so that it can be added to a time.
Duration left(const Expiry& expiry, Time now);

HttpError timeout_error(Phase phase, const Expiry& expiry, bool sent);

}  // namespace linegate
