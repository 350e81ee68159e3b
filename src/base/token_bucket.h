// Token bucket: at most `burst` at once, and `per_second` in the long run. Pure: time is passed in.
#pragma once

#include "base/clock.h"

namespace linegate {

class TokenBucket {
 public:
  // Begins full. Without `per_second` (0) only add() fills it. A burst below 1 is 1: less would let none go.
  TokenBucket(double per_second, double burst, Time now);

  // Takes one token if there is one. There always is one at ready_at().
  bool take(Time now);
  // Gives back one that was not used.
  void give_back() { add(1); }
  // Puts some in besides those that time brings; what exceeds the burst is lost.
  void add(double tokens);

  // When `tokens` will be there, if nobody takes one before; not before `now`. Of more than the burst: when
  // the last of them will have come, if each is taken as it comes. Time::max() is never.
  Time ready_at(Time now, double tokens = 1) const;

  // Leaves at most `tokens` in it, as of `now`.
  void drain(Time now, double tokens);

  double tokens(Time now) const;

 private:
  double level(Time now) const;
  void settle(Time now, double level);

  double per_second_;
  double burst_;
  double tokens_;  // may be below zero by what take() rounds
  Time at_;        // when tokens_ was right
};

}  // namespace linegate
