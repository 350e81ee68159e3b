#include "http/clocks.h"

#include <algorithm>

#include "base/units.h"

namespace linegate {
namespace {

constexpr Duration kNever = 8760h;

std::string sentence(Phase phase, const std::string& limit) {
  switch (phase) {
    case Phase::queue:
      return "no place free within " + limit;
    case Phase::connect:
      return "no connection within " + limit;
    case Phase::first_byte:
    case Phase::backoff:
      return "no answer within " + limit;
    case Phase::body:
      return "no complete answer within " + limit;
  }
  return {};
}

}  // namespace

Deadline deadline_after(Time now, Duration limit) {
  return limit >= kNever ? Deadline{} : Deadline{now + limit, limit};
}

Expiry earliest(Expiry current, const Clocks& clocks) {
  if (clocks.total.at < current.deadline.at) current = {clocks.total, Limit::total};
  if (clocks.client.at < current.deadline.at) current = {clocks.client, Limit::client};
  return current;
}

Duration left(const Expiry& expiry, Time now) {
  Time at = std::min(expiry.deadline.at, now + Duration(24h));
  return std::max(at - now, Duration::zero());
}

HttpError timeout_error(Phase phase, const Expiry& expiry, bool sent) {
  HttpError error;
  error.kind = ErrorKind::timeout;
  error.message = sentence(phase, to_text(expiry.deadline.limit));
  error.sent = sent;
  error.phase = phase;
  error.limit = expiry.limit;
  error.limit_value = expiry.deadline.limit;
  return error;
}

}  // namespace linegate
