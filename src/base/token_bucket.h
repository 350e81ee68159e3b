// Token bucket: at most `burst` at once, and `per_second` in the long run. Pure: time is passed in.
#pragma once

#include "base/clock.h"

namespace linegate {

class TokenBucket {
 public:
  // Begins full. `per_second` and `burst` are above zero.
  TokenBucket(double per_second, double burst, Time now);

  // Takes one token if there is one.
  bool take(Time now);
  // Gives back one that was not used.
  void give_back();

  // When `tokens` will be there, if nobody takes one before; not before `now`.
  Time ready_at(Time now, double tokens = 1) const;

  // Leaves at most `tokens` in it, as of `now`.
  void drain(Time now, double tokens);

  double tokens(Time now) const;

 private:
  double per_second_;
  double burst_;
  double tokens_;
  Time at_;  // when tokens_ was right
};

}  // namespace linegate
