// Adding to the histogram, and reading percentiles from it.
#include "base/histogram.h"

#include <algorithm>
#include <cmath>

namespace linegate {

void Histogram::add(std::uint64_t value) {
  ++counts_[index(value)];
  ++count_;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += double(value);
}

std::uint64_t Histogram::at(double fraction, const Histogram* other) const {
  const std::uint64_t count = count_ + (other ? other->count_ : 0);
  if (count == 0) return 0;
  const std::uint64_t least = std::min(min_, other ? other->min_ : min_);
  const std::uint64_t greatest = std::max(max_, other ? other->max_ : max_);
  const auto rank = std::max<std::uint64_t>(1, std::uint64_t(std::ceil(fraction * double(count))));
  std::uint64_t seen = 0;
  for (std::size_t i = index(least); i < index(greatest); ++i) {
    seen += counts_[i] + (other ? other->counts_[i] : 0);
    if (seen >= rank) return upper(i);
  }
  return greatest;
}

}  // namespace linegate
