#include "upstream/latency.h"

#include <algorithm>

namespace linegate {

void Latency::add(Time now, Duration took) {
  rotate(now);
  current_->add(static_cast<std::uint64_t>(std::max(took, Duration{}).count()));
}

std::optional<Duration> Latency::at(Time now, double fraction) const {
  const Duration age = now - began_;
  const Histogram* later = age < 2 * kSpan ? current_.get() : nullptr;
  const Histogram* earlier = age < kSpan ? previous_.get() : nullptr;
  if (!later || later->count() + (earlier ? earlier->count() : 0) < kEnough) return std::nullopt;
  return Duration(static_cast<Duration::rep>(later->at(fraction, earlier)));
}

// Makes current_ the half that `now` is in.
void Latency::rotate(Time now) {
  if (current_ && now - began_ < kSpan) return;
  const bool follows = current_ && now - began_ < 2 * kSpan;
  began_ = follows ? began_ + kSpan : now;
  std::swap(current_, previous_);
  if (!follows && previous_) previous_->clear();
  if (current_) {
    current_->clear();
  } else {
    current_ = std::make_unique<Histogram>();
  }
}

}  // namespace linegate
