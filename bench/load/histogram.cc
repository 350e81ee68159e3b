// Adding to the histogram, and reading percentiles from it.
#include "load/histogram.h"

#include <algorithm>
#include <cmath>

namespace bench {

void Histogram::add(std::uint64_t value) {
  ++counts_[index(value)];
  ++count_;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += double(value);
}

std::uint64_t Histogram::at(double fraction) const {
  if (count_ == 0) return 0;
  const auto rank = std::max<std::uint64_t>(1, std::uint64_t(std::ceil(fraction * double(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(upper(i), max_);
  }
  return max_;
}

}  // namespace bench
