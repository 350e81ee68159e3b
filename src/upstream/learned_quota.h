// LearnedQuota: how fast requests may go by what an API said of its quota. Full speed while more than half of
// it remains; from there the rest is spread evenly over the time to the reset, but for a reserve, which is
// left to others. Pure: time is passed in. Part of a Pace.
//
// What remains is reckoned low: requests in flight count as spent, and so do those that ended without news.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "upstream/quota.h"

namespace linegate {

class LearnedQuota {
 public:
  // Nobody is held back longer than `longest` after the request before, whatever the API says.
  explicit LearnedQuota(Duration longest) : longest_(longest) {}

  void learn(Time now, const Quota& quota);
  // Its window has ended: it says nothing any more.
  bool old(Time now) const { return now >= until_; }
  bool known() const { return known_; }
  void forget() { known_ = false; }

  void went(Time now);
  // A request that went is over; `spent` if it may have reached the API.
  void ended(bool spent);

  // When a request may go at the earliest that has `ahead` others in front of it; not before `now`.
  Time ready_at(Time now, std::uint64_t ahead = 0) const;

 private:
  void begin_window(Time now, Time until, const Quota& quota);
  std::uint64_t limit() const { return limit_ > 0 ? limit_ : most_; }
  std::uint64_t reserve() const;
  std::uint64_t left() const;
  Duration gap(Time from, std::uint64_t rest) const;

  Duration longest_;
  bool known_ = false;
  std::uint64_t limit_ = 0;       // 0: the API did not say
  std::uint64_t most_ = 0;        // the most that remained in this window
  std::uint64_t remaining_ = 0;   // the least
  std::uint64_t unreported_ = 0;  // ended since, and the API said nothing
  std::uint64_t in_flight_ = 0;
  Time until_{};
  Time since_{};  // when the last one went, or the window was first heard of
};

}  // namespace linegate
