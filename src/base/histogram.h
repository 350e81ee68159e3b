// A log-linear histogram of nanoseconds: 64 powers of two, each cut into 32 equal parts, so that a value is
// known within 3 %. Fixed size (16 KiB), no allocation; adding is a few instructions. Not for two threads at
// once.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace linegate {

class Histogram {
 public:
  static constexpr std::size_t kExponents = 64;
  static constexpr std::size_t kParts = 32;

  void add(std::uint64_t value);
  void clear() { *this = Histogram(); }

  std::uint64_t count() const { return count_; }
  std::uint64_t min() const { return count_ ? min_ : 0; }
  std::uint64_t max() const { return max_; }
  double mean() const { return count_ ? sum_ / double(count_) : 0; }

  // The least value that `fraction` of all values do not exceed, rounded up to the end of its part, never
  // above max(); 0 if there is no value. `fraction` is 0 to 1. With another histogram: of the values of both.
  std::uint64_t at(double fraction, const Histogram* other = nullptr) const;

  // Calls `see(greatest value of a place, count)` for each place that has values, in their order.
  template <typename See>
  void each(See see) const {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > 0) see(upper(i), counts_[i]);
    }
  }

  // The place of a value, and the greatest value of a place.
  static constexpr std::size_t index(std::uint64_t value) {
    if (value < kParts) return value;  // below 32 each value has a part of its own
    const std::size_t exponent = std::bit_width(value) - 1;
    return (exponent - 4) * kParts + ((value >> (exponent - 5)) & (kParts - 1));
  }
  static constexpr std::uint64_t upper(std::size_t index) {
    if (index < kParts) return index;
    const std::size_t exponent = index / kParts + 4;
    const std::uint64_t part = kParts + index % kParts;
    return (part << (exponent - 5)) + ((std::uint64_t{1} << (exponent - 5)) - 1);
  }

 private:
  std::array<std::uint64_t, kExponents * kParts> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t min_ = UINT64_MAX;
  std::uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace linegate
