// When requests are meant to leave in an open loop: a constant rate from a start time. What the server does
// has no influence on it; a latency counted from these times therefore shows a stall in full (no coordinated
// omission).
#pragma once

#include <cstdint>

namespace bench {

class Schedule {
 public:
  // `rate` in requests a second, above 0; `start` in nanoseconds.
  Schedule(double rate, std::uint64_t start) : interval_(1e9 / rate), start_(start) {}

  // When request number `n`, from 0, is meant to leave.
  std::uint64_t intended(std::uint64_t n) const { return start_ + std::uint64_t(double(n) * interval_); }

  // Takes the next request if it is due.
  bool take(std::uint64_t now) {
    if (now < next()) return false;
    ++taken_;
    return true;
  }
  std::uint64_t next() const { return intended(taken_); }
  std::uint64_t taken() const { return taken_; }

 private:
  double interval_;
  std::uint64_t start_;
  std::uint64_t taken_ = 0;
};

}  // namespace bench
