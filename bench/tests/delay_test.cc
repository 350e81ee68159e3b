// The stub's delays: what is understood, and what is drawn. The seed is fixed, so each run draws the same.
#include "stub/delay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace bench {
namespace {

constexpr int kDraws = 20'000;
constexpr double kMs = 1e6;

std::vector<double> drawn(const char* text) {
  auto delay = Delay::parse(text);
  std::vector<double> out;
  for (int i = 0; delay && i < kDraws; ++i) out.push_back(double(delay->next()));
  std::sort(out.begin(), out.end());
  return out;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

double at(const std::vector<double>& sorted, double fraction) {
  return sorted.at(std::size_t(fraction * double(sorted.size())));
}

TEST(Delay, ReadsEachUnit) {
  EXPECT_EQ(Delay::parse("500us")->next(), 500'000u);
  EXPECT_EQ(Delay::parse("20ms")->next(), 20'000'000u);
  EXPECT_EQ(Delay::parse("2s")->next(), 2'000'000'000u);
  EXPECT_EQ(Delay::parse("0")->next(), 0u);
}

TEST(Delay, RefusesWhatItDoesNotKnow) {
  for (const char* text :
       {"", "20", "ms", "-1ms", "uniform:1ms", "exp:1ms,2ms", "tail:1ms,2ms", "normal:1ms", "tail:1ms,2ms,2",
        "tail:1ms,2ms,-1", "tail:1ms,2ms,x", "uniform:9ms,1ms", "exp:0"}) {
    EXPECT_FALSE(Delay::parse(text)) << text;
  }
}

TEST(Delay, IsNoneOnlyWhereItIsAlwaysZero) {
  EXPECT_TRUE(Delay::parse("0")->none());
  EXPECT_FALSE(Delay::parse("1us")->none());
  EXPECT_FALSE(Delay::parse("uniform:0,1ms")->none());
  EXPECT_FALSE(Delay::parse("tail:0,1ms,0.5")->none());
}

TEST(Delay, DrawsEvenlyBetweenTwoBounds) {
  const auto values = drawn("uniform:2ms,10ms");
  EXPECT_GE(values.front(), 2 * kMs);
  EXPECT_LT(values.back(), 10 * kMs);
  for (double fraction : {0.1, 0.25, 0.5, 0.75, 0.9}) {
    EXPECT_NEAR(at(values, fraction), (2 + 8 * fraction) * kMs, 0.15 * kMs) << fraction;
  }
}

TEST(Delay, DrawsAnExponentialWithItsMeanAndItsMedian) {
  const auto values = drawn("exp:20ms");
  EXPECT_NEAR(mean(values), 20 * kMs, 0.5 * kMs);
  EXPECT_NEAR(at(values, 0.5), 13.863 * kMs, 0.5 * kMs);  // 20 ms * ln 2
  EXPECT_NEAR(at(values, 0.99), 92.1 * kMs, 5 * kMs);     // 20 ms * ln 100
}

TEST(Delay, TakesItsTailAsOftenAsItWasTold) {
  const auto values = drawn("tail:5ms,100ms,0.02");
  const auto slow = std::count(values.begin(), values.end(), 100 * kMs);
  EXPECT_NEAR(double(slow), 0.02 * kDraws, 60);  // three standard deviations
  EXPECT_EQ(std::count(values.begin(), values.end(), 5 * kMs), kDraws - slow);
}

TEST(Delay, DrawsTheSameInEachRun) {
  EXPECT_EQ(drawn("exp:20ms"), drawn("exp:20ms"));
}

}  // namespace
}  // namespace bench
