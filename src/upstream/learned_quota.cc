#include "upstream/learned_quota.h"

#include <algorithm>

namespace linegate {
namespace {

constexpr std::uint64_t kMost = 1'000'000'000'000'000;  // more is no quota; so counts fit in a Duration

// Resets are whole seconds, and answers overtake each other: so far apart they are still the same one.
constexpr Duration kSlack = 2s;

}  // namespace

void LearnedQuota::learn(Time now, const Quota& quota) {
  const Time until = time_after(now, std::max(quota.reset, Duration{}));
  const bool same =
      known_ && !old(now) && until <= time_after(until_, kSlack) && until_ <= time_after(until, kSlack);
  if (!same) return begin_window(now, until, quota);
  const std::uint64_t remaining = std::min(quota.remaining, kMost);
  most_ = std::max(most_, remaining);
  if (remaining < remaining_) {
    remaining_ = remaining;
    unreported_ = 0;  // it is the newest word, and counts them
  } else if (unreported_ > 0) {
    --unreported_;  // an answer that was overtaken: it counts itself
  }
}

void LearnedQuota::begin_window(Time now, Time until, const Quota& quota) {
  known_ = true;
  limit_ = std::min(quota.limit.value_or(0), kMost);
  most_ = remaining_ = std::min(quota.remaining, kMost);
  unreported_ = 0;
  until_ = until;
  since_ = now;
}

void LearnedQuota::went(Time now) {
  ++in_flight_;
  since_ = now;
}

void LearnedQuota::ended(bool spent) {
  --in_flight_;
  if (spent && known_) ++unreported_;
}

std::uint64_t LearnedQuota::reserve() const {
  return std::max<std::uint64_t>(1, limit() / 20);
}

std::uint64_t LearnedQuota::left() const {
  const std::uint64_t gone = in_flight_ + unreported_;
  return remaining_ > gone ? remaining_ - gone : 0;
}

// Between two requests, when `rest` of the quota have to do from `from` to the reset.
Duration LearnedQuota::gap(Time from, std::uint64_t rest) const {
  if (rest <= reserve()) return longest_;
  return std::min(longest_, (until_ - from) / static_cast<std::int64_t>(rest - reserve()));
}

Time LearnedQuota::ready_at(Time now, std::uint64_t ahead) const {
  if (!known_ || old(now)) return now;
  const std::uint64_t half = limit() / 2;
  const std::uint64_t at_once = left() > half ? left() - half : 0;
  if (ahead < at_once) return now;
  const Time from = at_once > 0 ? now : since_;
  const Duration step = gap(from, left() - at_once);
  if (step <= Duration{}) return now;
  const std::uint64_t steps = ahead - at_once + 1;
  if (steps > static_cast<std::uint64_t>((until_ - from) / step)) return until_;
  return std::max(now, from + static_cast<std::int64_t>(steps) * step);
}

}  // namespace linegate
