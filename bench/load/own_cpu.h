// The generator's own share of its core while measuring, to tell when it, and not the server, was the limit.
// Reads /proc/self/schedstat: time on a CPU, and time ready to run but kept waiting for one.
#pragma once

#include <cstdint>
#include <cstdio>

namespace bench {

class OwnCpu {
 public:
  void begin(std::uint64_t now) { start_ = read(now); }
  void end(std::uint64_t now) { stop_ = read(now); }

  double running() const { return share(&Sample::run); }
  double waiting() const { return share(&Sample::wait); }
  double seconds() const { return double(stop_.run - start_.run) / 1e9; }
  // It was nearly always running or kept from it: it, or what shares its core, was the limit.
  bool was_the_limit() const { return running() + waiting() > 0.95; }

 private:
  struct Sample {
    std::uint64_t at = 0, run = 0, wait = 0;
  };
  static Sample read(std::uint64_t now) {
    Sample sample{now, 0, 0};
    if (std::FILE* file = std::fopen("/proc/self/schedstat", "r")) {
      unsigned long run = 0, wait = 0;
      if (std::fscanf(file, "%lu %lu", &run, &wait) == 2) sample = {now, run, wait};
      std::fclose(file);
    }
    return sample;
  }
  double share(std::uint64_t Sample::*what) const {
    return stop_.at > start_.at ? double(stop_.*what - start_.*what) / double(stop_.at - start_.at) : 0;
  }

  Sample start_, stop_;
};

}  // namespace bench
