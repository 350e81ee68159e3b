#include "base/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace linegate {
namespace {

// What sums of fractions may lack of a whole token. It is owed, not given away: the long run stays exact.
constexpr double kRounding = 1e-9;

constexpr double kNeverSeconds = 9e9;  // three centuries, the reach of Duration

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

TokenBucket::TokenBucket(double per_second, double burst, Time now)
    : per_second_(per_second), burst_(std::max(1.0, burst)), tokens_(burst_), at_(now) {}

bool TokenBucket::take(Time now) {
  const double there = level(now);
  if (there < 1 - kRounding) return false;
  settle(now, there - 1);
  return true;
}

void TokenBucket::add(double tokens) {
  tokens_ = std::min(burst_, tokens_ + tokens);
}

Time TokenBucket::ready_at(Time now, double tokens) const {
  const double missing = tokens - level(now);
  if (missing <= kRounding) return now;
  const double wait = missing / per_second_;
  if (!(wait < kNeverSeconds)) return Time::max();  // or not a number
  return time_after(now, Duration(static_cast<Duration::rep>(std::ceil(wait * 1e9))));
}

void TokenBucket::drain(Time now, double tokens) {
  settle(now, std::min(level(now), tokens));
}

double TokenBucket::tokens(Time now) const {
  return std::max(0.0, level(now));
}

double TokenBucket::level(Time now) const {
  if (now <= at_) return tokens_;
  return std::min(burst_, tokens_ + seconds(now - at_) * per_second_);
}

void TokenBucket::settle(Time now, double level) {
  tokens_ = level;
  at_ = std::max(at_, now);
}

}  // namespace linegate
