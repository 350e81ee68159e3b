// The circuit breaker: what opens it, what it lets through, what closes it.
#include "upstream/breaker.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace linegate {
namespace {

using State = Breaker::State;

constexpr Time t0 = Time{} + 1000h;  // far from the clock's epoch

// Only failures in a row open it.
BreakerOptions in_a_row(std::uint64_t consecutive, std::uint64_t half_open = 2) {
  return {.consecutive = consecutive, .min_requests = UINT64_MAX, .open_for = 5s, .half_open = half_open};
}

// Only the window opens it.
BreakerOptions by_ratio(std::uint64_t min_requests, double ratio) {
  return {.consecutive = UINT64_MAX, .window = 10s, .min_requests = min_requests, .failure_ratio = ratio};
}

void fail(Breaker& breaker, Time now, int times = 1) {
  for (int i = 0; i < times; ++i) breaker.allow(now).value().failed(now);
}

void succeed(Breaker& breaker, Time now, int times = 1) {
  for (int i = 0; i < times; ++i) breaker.allow(now).value().succeeded(now);
}

std::vector<Breaker::Pass> enter(Breaker& breaker, Time now, int times) {
  std::vector<Breaker::Pass> passes;
  for (int i = 0; i < times; ++i) passes.push_back(breaker.allow(now).value());
  return passes;
}

TEST(Breaker, BeginsClosed) {
  Breaker breaker({});
  EXPECT_EQ(breaker.state(t0), State::closed);
  EXPECT_TRUE(breaker.would_allow(t0));
  EXPECT_TRUE(breaker.allow(t0).has_value());
  EXPECT_EQ(breaker.open_for(t0), 0s);
  EXPECT_EQ(breaker.times_opened(), 0u);
}

TEST(Breaker, OpensAfterFiveFailuresInARow) {
  Breaker breaker(in_a_row(5));
  fail(breaker, t0, 4);
  EXPECT_EQ(breaker.state(t0), State::closed);
  fail(breaker, t0);
  EXPECT_EQ(breaker.state(t0), State::open);
  EXPECT_FALSE(breaker.would_allow(t0));
  EXPECT_FALSE(breaker.allow(t0).has_value());
  EXPECT_EQ(breaker.times_opened(), 1u);
}

TEST(Breaker, CountsFailuresInARowAnewAfterASuccess) {
  Breaker breaker(in_a_row(3));
  fail(breaker, t0, 2);
  succeed(breaker, t0);
  fail(breaker, t0, 2);
  EXPECT_EQ(breaker.state(t0), State::closed);
  fail(breaker, t0);
  EXPECT_EQ(breaker.state(t0), State::open);
}

TEST(Breaker, CountsFailuresInARowHoweverFarApart) {
  Breaker breaker(in_a_row(2));
  fail(breaker, t0);
  fail(breaker, t0 + 24h);
  EXPECT_EQ(breaker.state(t0 + 24h), State::open);
}

TEST(Breaker, TakesARestartThatBreaksManyConnectionsForOneFailure) {
  Breaker breaker(in_a_row(2));
  auto passes = enter(breaker, t0, 64);
  for (auto& pass : passes) pass.failed(t0 + 1s);
  EXPECT_EQ(breaker.state(t0 + 1s), State::closed);
  fail(breaker, t0 + 1s);  // this one knew better
  EXPECT_EQ(breaker.state(t0 + 1s), State::open);
}

TEST(Breaker, CountsOnlyAttemptsThatStartedAfterTheLastCountedFailureWasSeen) {
  Breaker breaker(in_a_row(3));
  auto before = enter(breaker, t0, 2);
  fail(breaker, t0 + 1s);
  auto between = enter(breaker, t0 + 2s, 2);
  before[0].failed(t0 + 3s);   // started before the first was seen
  between[0].failed(t0 + 3s);  // the second, though one that did not count came between
  between[1].failed(t0 + 4s);
  before[1].failed(t0 + 4s);
  EXPECT_EQ(breaker.state(t0 + 4s), State::closed);
  fail(breaker, t0 + 5s);
  EXPECT_EQ(breaker.state(t0 + 5s), State::open);
}

TEST(Breaker, DoesNotCountALateFailureOfTheSameEventAfterASuccess) {
  Breaker breaker(in_a_row(2));
  auto passes = enter(breaker, t0, 3);
  passes[0].failed(t0);
  passes[1].succeeded(t0);
  passes[2].failed(t0);
  fail(breaker, t0);
  EXPECT_EQ(breaker.state(t0), State::closed);
  fail(breaker, t0);
  EXPECT_EQ(breaker.state(t0), State::open);
}

TEST(Breaker, CountsARestartsFailuresAllInItsWindow) {
  Breaker breaker(by_ratio(20, 0.5));
  auto passes = enter(breaker, t0, 20);
  for (auto& pass : passes) pass.failed(t0);
  EXPECT_EQ(breaker.state(t0), State::open);
}

TEST(Breaker, OpensWhenHalfOfAtLeastTwentyFailed) {
  Breaker breaker(by_ratio(20, 0.5));
  succeed(breaker, t0, 10);
  fail(breaker, t0, 9);
  EXPECT_EQ(breaker.state(t0), State::closed);
  fail(breaker, t0);
  EXPECT_EQ(breaker.state(t0), State::open);
}

TEST(Breaker, StaysClosedBelowItsRatio) {
  Breaker breaker(by_ratio(20, 0.5));
  succeed(breaker, t0, 1000);
  fail(breaker, t0, 999);
  EXPECT_EQ(breaker.state(t0), State::closed);
  fail(breaker, t0);
  EXPECT_EQ(breaker.state(t0), State::open);
}

TEST(Breaker, StaysClosedWhileThereAreTooFewRequestsForARatio) {
  Breaker breaker(by_ratio(20, 0.5));
  fail(breaker, t0, 19);
  EXPECT_EQ(breaker.state(t0), State::closed);
  fail(breaker, t0);
  EXPECT_EQ(breaker.state(t0), State::open);
}

TEST(Breaker, TakesARatioAsItIsWritten) {
  Breaker breaker(by_ratio(100, 0.07));  // 0.07 * 100 is more than 7 in binary
  succeed(breaker, t0, 93);
  fail(breaker, t0, 6);
  EXPECT_EQ(breaker.state(t0), State::closed);
  fail(breaker, t0);
  EXPECT_EQ(breaker.state(t0), State::open);
}

TEST(Breaker, IsNotOpenedByASuccess) {
  Breaker breaker(by_ratio(2, 0.5));
  fail(breaker, t0);
  succeed(breaker, t0);
  EXPECT_EQ(breaker.state(t0), State::closed);
  fail(breaker, t0);
  EXPECT_EQ(breaker.state(t0), State::open);
}

TEST(Breaker, OpensAtTheFirstFailureWithARatioOfZero) {
  Breaker breaker(by_ratio(3, 0));
  succeed(breaker, t0, 10);
  EXPECT_EQ(breaker.state(t0), State::closed);
  fail(breaker, t0);
  EXPECT_EQ(breaker.state(t0), State::open);
}

TEST(Breaker, OpensAtARatioOfOneOnlyWhenAllFailed) {
  Breaker breaker(by_ratio(3, 1));
  succeed(breaker, t0);
  fail(breaker, t0, 100);
  EXPECT_EQ(breaker.state(t0), State::closed);
  fail(breaker, t0 + 10s, 3);
  EXPECT_EQ(breaker.state(t0 + 10s), State::open);
}

TEST(Breaker, StillCountsWhatIsNineTenthsOfItsWindowOld) {
  Breaker breaker(by_ratio(20, 0.5));
  fail(breaker, t0, 19);
  fail(breaker, t0 + 10s - 1ns);
  EXPECT_EQ(breaker.state(t0 + 10s), State::open);
}

TEST(Breaker, ForgetsWhatIsOlderThanItsWindow) {
  Breaker breaker(by_ratio(20, 0.5));
  fail(breaker, t0, 19);
  fail(breaker, t0 + 10s);
  EXPECT_EQ(breaker.state(t0 + 10s), State::closed);
}

TEST(Breaker, ForgetsTenthByTenth) {
  Breaker breaker(by_ratio(20, 0.5));
  for (int i = 0; i < 10; ++i) fail(breaker, t0 + i * 1s);
  fail(breaker, t0 + 14s, 14);  // five of the ten are left
  EXPECT_EQ(breaker.state(t0 + 14s), State::closed);
  fail(breaker, t0 + 14s);
  EXPECT_EQ(breaker.state(t0 + 14s), State::open);
}

TEST(Breaker, ForgetsEverythingAfterALongSilence) {
  Breaker breaker(by_ratio(20, 0.5));
  for (int i = 0; i < 19; ++i) fail(breaker, t0 + i * 500ms);
  fail(breaker, t0 + 24h, 19);
  EXPECT_EQ(breaker.state(t0 + 24h), State::closed);
}

TEST(Breaker, CountsARequestWhenItEndsNotWhenItBegan) {
  Breaker breaker(by_ratio(20, 0.5));
  auto slow = enter(breaker, t0, 20);
  for (auto& pass : slow) pass.failed(t0 + 300s);
  EXPECT_EQ(breaker.state(t0 + 300s), State::open);
}

TEST(Breaker, NeitherCountsNorForgetsForARequestThatWasWithdrawn) {
  Breaker breaker(in_a_row(2));
  fail(breaker, t0);
  breaker.allow(t0).reset();
  EXPECT_EQ(breaker.state(t0), State::closed);
  fail(breaker, t0);
  EXPECT_EQ(breaker.state(t0), State::open);

  Breaker ratio(by_ratio(2, 0.5));
  enter(ratio, t0, 10).clear();
  fail(ratio, t0);
  EXPECT_EQ(ratio.state(t0), State::closed);
}

TEST(Breaker, IsHalfOpenWhenItsTimeIsOverAndNotBefore) {
  Breaker breaker(in_a_row(1));
  fail(breaker, t0);
  EXPECT_EQ(breaker.open_for(t0 + 2s), 3s);
  EXPECT_EQ(breaker.state(t0 + 5s - 1ns), State::open);
  EXPECT_FALSE(breaker.would_allow(t0 + 5s - 1ns));
  EXPECT_FALSE(breaker.allow(t0 + 5s - 1ns).has_value());
  EXPECT_EQ(breaker.state(t0 + 5s), State::half_open);
  EXPECT_EQ(breaker.open_for(t0 + 5s), 0s);
  EXPECT_TRUE(breaker.would_allow(t0 + 5s));
  EXPECT_TRUE(breaker.allow(t0 + 5s).has_value());
}

TEST(Breaker, TakesNothingByBeingAskedWhetherItWould) {
  Breaker breaker(in_a_row(1, 1));
  fail(breaker, t0);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(breaker.would_allow(t0 + 5s));
  auto probe = breaker.allow(t0 + 5s);
  EXPECT_TRUE(probe.has_value());
}

TEST(Breaker, LetsSoManyProbesOutAtATimeAndNoMore) {
  Breaker breaker(in_a_row(1, 2));
  fail(breaker, t0);
  auto probes = enter(breaker, t0 + 5s, 2);
  EXPECT_FALSE(breaker.would_allow(t0 + 5s));
  EXPECT_FALSE(breaker.allow(t0 + 5s).has_value());
  EXPECT_FALSE(breaker.allow(t0 + 1h).has_value());
  EXPECT_EQ(breaker.state(t0 + 1h), State::half_open);
  probes[0].succeeded(t0 + 6s);
  EXPECT_TRUE(breaker.allow(t0 + 6s).has_value());
}

TEST(Breaker, IsClosedByAsManySuccessesAsProbes) {
  Breaker breaker(in_a_row(1, 2));
  fail(breaker, t0);
  succeed(breaker, t0 + 5s);
  EXPECT_EQ(breaker.state(t0 + 5s), State::half_open);
  succeed(breaker, t0 + 5s);
  EXPECT_EQ(breaker.state(t0 + 5s), State::closed);
  EXPECT_EQ(enter(breaker, t0 + 5s, 100).size(), 100u);
}

TEST(Breaker, IsOpenedAgainByOneFailedProbeForAFreshTime) {
  Breaker breaker(in_a_row(5, 2));
  fail(breaker, t0, 5);
  auto probes = enter(breaker, t0 + 5s, 2);
  probes[0].succeeded(t0 + 6s);
  probes[1].failed(t0 + 7s);
  EXPECT_EQ(breaker.state(t0 + 7s), State::open);
  EXPECT_EQ(breaker.open_for(t0 + 7s), 5s);
  EXPECT_EQ(breaker.times_opened(), 2u);
  EXPECT_EQ(breaker.state(t0 + 12s), State::half_open);
}

TEST(Breaker, CountsTheSuccessesOfEachHalfOpenTimeAnew) {
  Breaker breaker(in_a_row(1, 2));
  fail(breaker, t0);
  succeed(breaker, t0 + 5s);
  fail(breaker, t0 + 5s);
  succeed(breaker, t0 + 10s);
  EXPECT_EQ(breaker.state(t0 + 10s), State::half_open);
}

TEST(Breaker, GivesAWithdrawnProbesPlaceToTheNext) {
  Breaker breaker(in_a_row(1, 1));
  fail(breaker, t0);
  auto probe = breaker.allow(t0 + 5s);
  EXPECT_FALSE(breaker.would_allow(t0 + 5s));
  probe.reset();
  EXPECT_EQ(breaker.state(t0 + 5s), State::half_open);
  EXPECT_TRUE(breaker.allow(t0 + 5s).has_value());
}

TEST(Breaker, GivesAProbesPlaceBackOnlyOnce) {
  Breaker breaker(in_a_row(1, 3));
  fail(breaker, t0);
  auto probes = enter(breaker, t0 + 5s, 3);
  probes[0].succeeded(t0 + 5s);
  probes[0].succeeded(t0 + 5s);
  probes[0].failed(t0 + 5s);
  probes.erase(probes.begin());
  EXPECT_EQ(breaker.state(t0 + 5s), State::half_open);
  auto another = enter(breaker, t0 + 5s, 1);
  EXPECT_FALSE(breaker.would_allow(t0 + 5s));
}

TEST(Breaker, IsNotClosedByASuccessFromBeforeItOpened) {
  Breaker breaker(in_a_row(1, 1));
  auto slow = enter(breaker, t0, 2);
  fail(breaker, t0);
  slow[0].succeeded(t0 + 1s);
  EXPECT_EQ(breaker.state(t0 + 1s), State::open);
  auto probe = breaker.allow(t0 + 5s);
  slow[1].succeeded(t0 + 5s);
  EXPECT_EQ(breaker.state(t0 + 5s), State::half_open);
  EXPECT_FALSE(breaker.would_allow(t0 + 5s));
}

TEST(Breaker, IsNotOpenedByAFailureFromBeforeItWasHalfOpen) {
  Breaker breaker(in_a_row(1, 1));
  auto slow = enter(breaker, t0, 3);
  fail(breaker, t0);
  slow[0].failed(t0 + 1s);
  EXPECT_EQ(breaker.open_for(t0 + 1s), 4s) << "nor is its time drawn out";
  auto probe = breaker.allow(t0 + 5s);
  slow[1].failed(t0 + 6s);
  EXPECT_EQ(breaker.state(t0 + 6s), State::half_open);
  probe->succeeded(t0 + 7s);
  slow[2].failed(t0 + 8s);
  EXPECT_EQ(breaker.state(t0 + 8s), State::closed);
  EXPECT_EQ(breaker.times_opened(), 1u);
}

TEST(Breaker, IsNeitherOpenedNorClosedByAProbeOfAnEarlierHalfOpenTime) {
  Breaker breaker(in_a_row(1, 3));
  fail(breaker, t0);
  auto old = enter(breaker, t0 + 5s, 3);
  old[0].failed(t0 + 5s);
  auto probes = enter(breaker, t0 + 10s, 3);
  old[1].failed(t0 + 10s);
  EXPECT_EQ(breaker.state(t0 + 10s), State::half_open);
  old[2].succeeded(t0 + 10s);
  probes[0].succeeded(t0 + 10s);
  probes[1].succeeded(t0 + 10s);
  EXPECT_EQ(breaker.state(t0 + 10s), State::half_open);
  probes[2].succeeded(t0 + 10s);
  EXPECT_EQ(breaker.state(t0 + 10s), State::closed);
}

TEST(Breaker, GivesNoPlaceBackForAProbeOfAnEarlierHalfOpenTime) {
  Breaker breaker(in_a_row(1, 2));
  fail(breaker, t0);
  auto old = enter(breaker, t0 + 5s, 2);
  old[0].failed(t0 + 5s);
  auto probes = enter(breaker, t0 + 10s, 2);
  old.clear();
  EXPECT_FALSE(breaker.would_allow(t0 + 10s));
}

TEST(Breaker, BeginsToCountAnewWhenItIsClosedAgain) {
  Breaker breaker(
      {.consecutive = 3, .min_requests = 20, .failure_ratio = 0.5, .open_for = 1s, .half_open = 1});
  succeed(breaker, t0, 18);
  fail(breaker, t0, 3);
  succeed(breaker, t0 + 1s);
  EXPECT_EQ(breaker.state(t0 + 1s), State::closed);
  fail(breaker, t0 + 1s, 2);
  EXPECT_EQ(breaker.state(t0 + 1s), State::closed);
  EXPECT_EQ(breaker.times_opened(), 1u);
  fail(breaker, t0 + 1s);
  EXPECT_EQ(breaker.times_opened(), 2u);
}

TEST(Breaker, BeginsItsWindowAnewWhenItIsClosedAgain) {
  BreakerOptions options = by_ratio(20, 0.5);
  options.open_for = 1s;
  options.half_open = 1;
  Breaker breaker(options);
  fail(breaker, t0, 20);
  succeed(breaker, t0 + 1s);
  fail(breaker, t0 + 1s, 19);
  EXPECT_EQ(breaker.state(t0 + 1s), State::closed);
  fail(breaker, t0 + 1s);
  EXPECT_EQ(breaker.state(t0 + 1s), State::open);
}

TEST(Breaker, LetsOneProbeOutThoughItWasToldNone) {
  Breaker breaker(in_a_row(1, 0));
  fail(breaker, t0);
  succeed(breaker, t0 + 5s);
  EXPECT_EQ(breaker.state(t0 + 5s), State::closed);
}

TEST(Breaker, StaysOpenForEverWhenToldSo) {
  Breaker breaker({.consecutive = 1, .open_for = Duration::max()});
  fail(breaker, t0);
  EXPECT_EQ(breaker.state(t0 + 100'000h), State::open);
}

TEST(Breaker, AllowsEverythingWhenItIsOff) {
  Breaker breaker({.enabled = false, .consecutive = 1, .min_requests = 1});
  fail(breaker, t0, 100);
  EXPECT_EQ(breaker.state(t0), State::closed);
  EXPECT_TRUE(breaker.would_allow(t0));
  EXPECT_EQ(breaker.open_for(t0), 0s);
  EXPECT_EQ(breaker.times_opened(), 0u);
}

TEST(BreakerPass, MovesWithItsPlace) {
  Breaker breaker(in_a_row(1, 1));
  fail(breaker, t0);
  Breaker::Pass held;
  {
    auto probe = breaker.allow(t0 + 5s).value();
    held = std::move(probe);
  }
  EXPECT_FALSE(breaker.would_allow(t0 + 5s));
  held.succeeded(t0 + 5s);
  EXPECT_EQ(breaker.state(t0 + 5s), State::closed);
}

TEST(BreakerPass, IsWithdrawnByAnotherInItsPlace) {
  Breaker breaker(in_a_row(1, 2));
  fail(breaker, t0);
  auto probes = enter(breaker, t0 + 5s, 2);
  probes[0] = std::move(probes[1]);
  EXPECT_TRUE(breaker.would_allow(t0 + 5s));
  probes[0] = Breaker::Pass();
  EXPECT_EQ(enter(breaker, t0 + 5s, 2).size(), 2u);
}

TEST(Breaker, NamesItsStates) {
  EXPECT_EQ(name(State::closed), "closed");
  EXPECT_EQ(name(State::open), "open");
  EXPECT_EQ(name(State::half_open), "half_open");
}

}  // namespace
}  // namespace linegate
