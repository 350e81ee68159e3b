// How long the upstream stub takes to answer: a distribution read from the command line, with a fixed seed.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace bench {

class Delay {
 public:
  // "0", "500us", "20ms", "2s"; "uniform:1ms,9ms"; "exp:20ms" (mean); "tail:5ms,200ms,0.01" (one in a hundred
  // takes 200 ms). nullopt for anything else.
  static std::optional<Delay> parse(const std::string& text);

  std::uint64_t next();  // nanoseconds
  bool none() const { return shape_ == Shape::fixed && first_ == 0; }

 private:
  bool read_share(const std::vector<std::string>& parts);

  enum class Shape { fixed, uniform, exponential, tail };
  Shape shape_ = Shape::fixed;
  double first_ = 0;
  double second_ = 0;
  double share_ = 0;
  std::minstd_rand random_{1};
};

}  // namespace bench
