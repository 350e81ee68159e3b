#include "upstream/retry.h"

#include <algorithm>

namespace linegate {
namespace {

// A clock of one attempt ran out. The others are over the whole call: nothing is left for another attempt.
bool of_one_attempt(Limit limit) {
  return limit == Limit::connect || limit == Limit::first_byte;
}

double at_start(double min_per_second) {
  return min_per_second > 0 ? std::max(1.0, min_per_second) : 0;
}

double most(double ratio, double min_per_second) {
  return RetryBudget::kKeptSeconds * min_per_second + RetryBudget::kKeptRequests * ratio;
}

}  // namespace

bool worth_retrying(const RetryOptions& options, const Response& response) {
  if (!response.error) {
    const auto& statuses = options.on_status;
    return std::find(statuses.begin(), statuses.end(), response.status) != statuses.end();
  }
  switch (response.error->kind) {
    case ErrorKind::dns:
    case ErrorKind::connect:
    case ErrorKind::tls:
      return options.on_connect;
    case ErrorKind::reset:
      return options.on_reset;
    case ErrorKind::timeout:
      return options.on_timeout && of_one_attempt(response.error->limit);
    default:  // refused here, or the same again the next time
      return false;
  }
}

Duration backoff(const RetryOptions& options, unsigned retry, double chance) {
  const Duration max = options.backoff_max;
  Duration longest = std::min(options.backoff_base, max);
  for (unsigned i = 1; i < retry && longest > 0s && longest < max; ++i) {
    longest = longest > max / 2 ? max : longest * 2;  // doubled without overflow
  }
  return Duration(static_cast<Duration::rep>(chance * static_cast<double>(longest.count())));
}

RetryBudget::RetryBudget(double ratio, double min_per_second, Time now)
    : ratio_(ratio), retries_(min_per_second, most(ratio, min_per_second), now) {
  retries_.drain(now, at_start(min_per_second));
}

// What time brings is reckoned when the budget is asked.
void RetryBudget::add_request(Time /*now*/) {
  retries_.add(ratio_);
}

bool RetryBudget::take(Time now) {
  return retries_.take(now);
}

double RetryBudget::left(Time now) const {
  return retries_.tokens(now);
}

}  // namespace linegate
