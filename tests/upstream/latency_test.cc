// The latency of the last one to two minutes.
#include "upstream/latency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace linegate {
namespace {

constexpr Time t0 = Time{} + 1000h;  // far from the clock's epoch

void add(Latency& latency, Time now, Duration took, int times) {
  for (int i = 0; i < times; ++i) latency.add(now, took);
}

// What it says is rounded up to a histogram's place: 3 %.
testing::AssertionResult about(std::optional<Duration> said, Duration expected) {
  if (!said) return testing::AssertionFailure() << "too few answers";
  if (*said >= expected && *said <= expected + expected / 31) return testing::AssertionSuccess();
  return testing::AssertionFailure() << said->count() << " ns";
}

TEST(Latency, SaysNothingBeforeAnyAnswer) {
  const Latency latency;
  EXPECT_EQ(latency.at(t0, 0.95), std::nullopt);
}

TEST(Latency, SaysNothingUntilItHasEnoughAnswers) {
  Latency latency;
  add(latency, t0, 10ms, Latency::kEnough - 1);
  EXPECT_EQ(latency.at(t0, 0.95), std::nullopt);
  add(latency, t0, 10ms, 1);
  EXPECT_EQ(latency.at(t0, 0.95), 10ms);
}

TEST(Latency, KnowsItsPercentiles) {
  Latency latency;
  add(latency, t0, 10ms, 95);
  add(latency, t0, 200ms, 5);
  EXPECT_TRUE(about(latency.at(t0, 0.5), 10ms));
  EXPECT_TRUE(about(latency.at(t0, 0.95), 10ms));
  EXPECT_TRUE(about(latency.at(t0, 0.96), 200ms));
  EXPECT_EQ(latency.at(t0, 1), 200ms);
}

TEST(Latency, CountsThisHalfAndTheOneBeforeTogether) {
  Latency latency;
  add(latency, t0, 10ms, 10);
  add(latency, t0 + Latency::kSpan, 200ms, 10);
  EXPECT_TRUE(about(latency.at(t0 + Latency::kSpan, 0.5), 10ms));
  EXPECT_TRUE(about(latency.at(t0 + Latency::kSpan, 0.95), 200ms));
}

TEST(Latency, ForgetsWhatIsTwoHalvesOld) {
  Latency latency;
  add(latency, t0, 10ms, 20);
  add(latency, t0 + Latency::kSpan, 200ms, 20);
  EXPECT_TRUE(about(latency.at(t0 + 2 * Latency::kSpan - 1ns, 0.25), 10ms));
  EXPECT_EQ(latency.at(t0 + 2 * Latency::kSpan, 0.25), 200ms);
}

TEST(Latency, CountsNothingOlderThanTwoMinutesWhenAHalfBeginsLate) {
  Latency latency;
  add(latency, t0, 10ms, 20);
  add(latency, t0 + 90s, 200ms, 20);
  EXPECT_TRUE(about(latency.at(t0 + 120s - 1ns, 0.25), 10ms));
  EXPECT_EQ(latency.at(t0 + 120s, 0.25), 200ms);
}

TEST(Latency, ForgetsEverythingAfterTwoSilentHalves) {
  Latency latency;
  add(latency, t0, 10ms, 20);
  EXPECT_EQ(latency.at(t0 + 2 * Latency::kSpan - 1ns, 0.5), 10ms);
  EXPECT_EQ(latency.at(t0 + 2 * Latency::kSpan, 0.5), std::nullopt);
}

TEST(Latency, BeginsAnewAfterALongSilence) {
  Latency latency;
  add(latency, t0, 10ms, 20);
  add(latency, t0 + Latency::kSpan, 20ms, 20);
  add(latency, t0 + 1h, 30ms, 19);
  EXPECT_EQ(latency.at(t0 + 1h, 0.5), std::nullopt);
  latency.add(t0 + 1h, 30ms);
  EXPECT_EQ(latency.at(t0 + 1h, 0), 30ms);
}

// Three minutes in a row: the blocks change places and are used again.
TEST(Latency, FollowsAnApiThatBecomesSlower) {
  Latency latency;
  for (int minute = 0; minute < 10; ++minute) {
    const Time now = t0 + minute * Latency::kSpan;
    add(latency, now, minute * 1ms, 20);
    EXPECT_TRUE(about(latency.at(now, 1), minute * 1ms));
    EXPECT_TRUE(about(latency.at(now, 0), std::max(minute - 1, 0) * 1ms));
  }
}

TEST(Latency, TakesATimeBelowZeroAsZero) {
  Latency latency;
  add(latency, t0, -1ms, 20);
  EXPECT_EQ(latency.at(t0, 1), 0s);
}

}  // namespace
}  // namespace linegate
