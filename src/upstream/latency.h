// How long an upstream's answers took lately: the last one to two minutes, as a histogram. Pure: time is
// passed in.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/histogram.h"

namespace linegate {

class Latency {
 public:
  static constexpr Duration kSpan = 60s;        // a half: this one and the one before are counted
  static constexpr std::uint64_t kEnough = 20;  // fewer answers say nothing about their 95th percentile

  void add(Time now, Duration took);
  // What `fraction` of the recent answers did not exceed; nullopt while there are too few.
  std::optional<Duration> at(Time now, double fraction) const;

 private:
  void rotate(Time now);

  // Null until they are used: an upstream without hedging has none.
  std::unique_ptr<Histogram> current_;
  std::unique_ptr<Histogram> previous_;
  Time began_{};  // current_
};

}  // namespace linegate
