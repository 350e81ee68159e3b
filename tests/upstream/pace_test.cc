// The pace: rate, Retry-After, quota.
#include "upstream/pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

namespace linegate {
namespace {

using State = Pace::State;
using Turns = std::vector<Pace::Turn>;

const Time t0 = Time{} + 1h;

// As many as may go now, at most `limit`.
Turns go_all(Pace& pace, Time now, std::size_t limit = 1000) {
  Turns turns;
  while (turns.size() < limit) {
    auto turn = pace.go(now);
    if (!turn) break;
    turn->spend();
    turns.push_back(std::move(*turn));
  }
  return turns;
}

void answer_all(Turns& turns) {
  for (auto& turn : turns) turn.answered();
  turns.clear();
}

TEST(Pace, LimitsNothingWithoutAReason) {
  Pace pace({}, t0);
  EXPECT_FALSE(pace.limited());
  EXPECT_EQ(go_all(pace, t0).size(), 1000u);
  EXPECT_EQ(pace.next(t0), t0);
  EXPECT_EQ(pace.estimate(t0, 1000), t0);
  EXPECT_EQ(pace.state(t0), State::open);
  EXPECT_EQ(pace.closed_for(t0), 0s);
}

TEST(Pace, NamesItsStates) {
  EXPECT_EQ(name(State::open), "open");
  EXPECT_EQ(name(State::closed), "closed");
  EXPECT_EQ(name(State::probing), "probing");
  EXPECT_EQ(name(State::releasing), "releasing");
}

// ---- the configured rate

TEST(Pace, LetsTheBurstGoAndThenTheRate) {
  Pace pace({.per_second = 10, .burst = 5}, t0);
  EXPECT_TRUE(pace.limited());
  EXPECT_EQ(go_all(pace, t0).size(), 5u);
  EXPECT_EQ(pace.next(t0), t0 + 100ms);
  EXPECT_EQ(go_all(pace, t0 + 99ms).size(), 0u);
  EXPECT_EQ(go_all(pace, t0 + 100ms).size(), 1u);
}

TEST(Pace, TakesBackATokenThatWasNotSpent) {
  Pace pace({.per_second = 1, .burst = 1}, t0);
  { auto unspent = pace.go(t0); }
  auto next = pace.go(t0);
  EXPECT_TRUE(next);
}

TEST(Pace, KeepsTheTokenOfWhatWasSentAndNotAnswered) {
  Pace pace({.per_second = 1, .burst = 1}, t0);
  go_all(pace, t0).clear();
  EXPECT_FALSE(pace.go(t0));
}

TEST(Pace, TakesATokenBackOnceAfterAMove) {
  Pace pace({.per_second = 1, .burst = 9}, t0);
  auto turns = go_all(pace, t0);
  {
    Pace::Turn one = std::move(turns.back());
    Pace::Turn other;
    other = std::move(one);
  }
  turns.clear();
  EXPECT_EQ(go_all(pace, t0).size(), 0u);
}

TEST(Pace, EstimatesTheWaitByTheRate) {
  Pace pace({.per_second = 10, .burst = 2}, t0);
  EXPECT_EQ(pace.estimate(t0, 1), t0);
  EXPECT_EQ(pace.estimate(t0, 2), t0 + 100ms);
  EXPECT_EQ(pace.estimate(t0, 21), t0 + 2s);
}

// ---- Retry-After

TEST(Pace, LetsNobodyGoBeforeRetryAfter) {
  Pace pace({}, t0);
  pace.close(t0, 10s);
  EXPECT_TRUE(pace.limited());
  EXPECT_EQ(pace.state(t0), State::closed);
  EXPECT_EQ(pace.closed_for(t0 + 4s), 6s);
  EXPECT_EQ(pace.next(t0), t0 + 10s);
  EXPECT_EQ(pace.estimate(t0, 3), t0 + 10s);
  EXPECT_FALSE(pace.go(t0 + 10s - 1ns));
  EXPECT_TRUE(pace.go(t0 + 10s));
}

TEST(Pace, ClosesForGateMaxAtMost) {
  Pace pace({.gate_max = 60s}, t0);
  pace.close(t0, 24h);
  EXPECT_EQ(pace.closed_for(t0), 60s);
}

TEST(Pace, StaysClosedAsLongAsTheLongestSays) {
  Pace pace({}, t0);
  pace.close(t0, 10s);
  pace.close(t0 + 1s, 2s);
  EXPECT_EQ(pace.closed_for(t0 + 1s), 9s);
  pace.close(t0 + 1s, 20s);
  EXPECT_EQ(pace.closed_for(t0 + 1s), 20s);
}

TEST(Pace, ProbesAtOnceWhenRetryAfterIsZeroOrLess) {
  for (Duration wait : {Duration{0s}, Duration{-5s}}) {
    Pace pace({}, t0);
    pace.close(t0, wait);
    EXPECT_EQ(pace.state(t0), State::probing);
    EXPECT_EQ(go_all(pace, t0).size(), 1u);
  }
}

TEST(Pace, LetsOneProbeOutAndWaitsForItsAnswer) {
  Pace pace({}, t0);
  pace.close(t0, 1s);
  auto probe = go_all(pace, t0 + 1s);
  EXPECT_EQ(probe.size(), 1u);
  EXPECT_EQ(pace.state(t0 + 1s), State::probing);
  EXPECT_EQ(pace.next(t0 + 1h), Time::max());
  EXPECT_FALSE(pace.go(t0 + 1h));
}

TEST(Pace, DoublesFromOneRoundTripToTheNextUntilAllMayGo) {
  Pace pace({.max_in_flight = 16}, t0);
  pace.close(t0, 1s);
  for (std::size_t allowed : {1u, 2u, 4u, 8u}) {
    EXPECT_NE(pace.state(t0 + 1s), State::open);
    auto turns = go_all(pace, t0 + 1s);
    EXPECT_EQ(turns.size(), allowed);
    answer_all(turns);
  }
  EXPECT_EQ(pace.state(t0 + 1s), State::open);
  EXPECT_FALSE(pace.limited());
}

TEST(Pace, LetsTwoGoForEachAnswer) {
  Pace pace({}, t0);
  pace.close(t0, 0s);
  auto probe = go_all(pace, t0);
  answer_all(probe);
  EXPECT_EQ(pace.state(t0), State::releasing);
  auto two = go_all(pace, t0);
  ASSERT_EQ(two.size(), 2u);
  two[0].answered();
  EXPECT_EQ(go_all(pace, t0).size(), 2u);
}

TEST(Pace, IsOpenAfterTheProbeWhenOnlyTwoMayGoAtATime) {
  Pace pace({.max_in_flight = 2}, t0);
  pace.close(t0, 0s);
  auto probe = go_all(pace, t0);
  answer_all(probe);
  EXPECT_EQ(pace.state(t0), State::open);
}

TEST(Pace, LetsTheNextProbeWhenOneIsDroppedWithoutAnAnswer) {
  for (bool spent : {false, true}) {
    Pace pace({}, t0);
    pace.close(t0, 0s);
    {
      auto probe = pace.go(t0);
      ASSERT_TRUE(probe);
      if (spent) probe->spend();
      EXPECT_FALSE(pace.go(t0));
    }
    EXPECT_EQ(pace.state(t0), State::probing);
    EXPECT_EQ(go_all(pace, t0).size(), 1u);
  }
}

TEST(Pace, DoesNotGrowForWhatIsDroppedDuringTheRelease) {
  Pace pace({}, t0);
  pace.close(t0, 0s);
  auto probe = go_all(pace, t0);
  answer_all(probe);
  go_all(pace, t0).clear();
  EXPECT_EQ(go_all(pace, t0).size(), 2u);
}

// A probe is answered with another Retry-After: whatever comes first, the gate is closed, and one probes.
void expect_closed_anew(Pace& pace) {
  EXPECT_EQ(pace.state(t0 + 1s), State::closed);
  EXPECT_EQ(pace.closed_for(t0 + 1s), 5s);
  auto probes = go_all(pace, t0 + 6s);
  EXPECT_EQ(probes.size(), 1u);
}

TEST(Pace, ClosesAnewWhenTheProbeIsAnsweredBeforeClose) {
  Pace pace({}, t0);
  pace.close(t0, 1s);
  auto probe = pace.go(t0 + 1s);
  probe->answered();
  pace.close(t0 + 1s, 5s);
  probe.reset();
  expect_closed_anew(pace);
}

TEST(Pace, ClosesAnewWhenTheProbeIsAnsweredAfterClose) {
  Pace pace({}, t0);
  pace.close(t0, 1s);
  auto probe = pace.go(t0 + 1s);
  pace.close(t0 + 1s, 5s);
  probe->answered();
  expect_closed_anew(pace);
}

TEST(Pace, ClosesAnewWhenTheProbeIsDroppedAfterClose) {
  Pace pace({}, t0);
  pace.close(t0, 1s);
  auto probe = pace.go(t0 + 1s);
  pace.close(t0 + 1s, 5s);
  probe.reset();
  expect_closed_anew(pace);
}

TEST(Pace, ClosesAnewWhenTheProbeIsDroppedBeforeClose) {
  Pace pace({}, t0);
  pace.close(t0, 1s);
  pace.go(t0 + 1s).reset();
  pace.close(t0 + 1s, 5s);
  expect_closed_anew(pace);
}

TEST(Pace, IgnoresAnswersToWhatWentBeforeTheGateWasClosed) {
  Pace pace({.per_second = 1000, .burst = 9}, t0);
  auto early = go_all(pace, t0, 5);
  pace.close(t0, 1s);
  answer_all(early);
  EXPECT_EQ(go_all(pace, t0 + 1s).size(), 1u);
}

TEST(Pace, BeginsAfterTheProbeWithAnEmptyBucket) {
  Pace pace({.per_second = 10, .burst = 50}, t0);
  pace.close(t0, 30s);
  EXPECT_EQ(pace.estimate(t0, 0), t0 + 30s);
  EXPECT_EQ(pace.estimate(t0, 20), t0 + 32s);
  auto probe = go_all(pace, t0 + 30s);
  answer_all(probe);
  EXPECT_EQ(go_all(pace, t0 + 30s).size(), 0u);
  EXPECT_EQ(pace.next(t0 + 30s), t0 + 30s + 100ms);
  EXPECT_EQ(go_all(pace, t0 + 30s + 100ms).size(), 1u);
}

TEST(Pace, GivesTheNextProbeTheTokenOfOneThatWasNotSent) {
  Pace pace({.per_second = 1, .burst = 5}, t0);
  pace.close(t0, 10s);
  pace.go(t0 + 10s).reset();
  EXPECT_EQ(go_all(pace, t0 + 10s).size(), 1u);
}

TEST(Pace, WaitsForATokenEvenAfterRetryAfter) {
  Pace pace({.per_second = 0.1, .burst = 1}, t0);
  auto first = go_all(pace, t0);
  pace.close(t0, 2s);
  EXPECT_EQ(pace.next(t0), t0 + 10s);
  EXPECT_EQ(pace.estimate(t0, 1), t0 + 20s);
}

// ---- the API's quota

Quota quota(std::uint64_t limit, std::uint64_t remaining, Duration reset) {
  return {limit, remaining, reset};
}

TEST(Pace, GoesAtFullSpeedWhileMoreThanHalfOfTheQuotaRemains) {
  Pace pace({.learn = true}, t0);
  pace.learn(t0, quota(100, 60, 30s));
  EXPECT_EQ(pace.estimate(t0, 9), t0);
  EXPECT_GT(pace.estimate(t0, 10), t0);
  EXPECT_EQ(go_all(pace, t0).size(), 10u);
}

TEST(Pace, SpreadsTheLowerHalfOverTheTimeToTheReset) {
  Pace pace({.learn = true}, t0);
  pace.learn(t0, quota(100, 35, 30s));  // 5 are the reserve
  EXPECT_EQ(pace.next(t0), t0 + 1s);
  EXPECT_EQ(pace.estimate(t0, 9), t0 + 10s);
  auto first = go_all(pace, t0 + 1s);
  EXPECT_EQ(first.size(), 1u);
  EXPECT_EQ(pace.next(t0 + 1s), t0 + 2s);
}

TEST(Pace, HoldsTheReserveUntilTheReset) {
  Pace pace({.learn = true}, t0);
  pace.learn(t0, quota(100, 5, 30s));
  EXPECT_EQ(pace.next(t0), t0 + 30s);
  EXPECT_EQ(pace.estimate(t0, 100), t0 + 30s);
  EXPECT_FALSE(pace.go(t0 + 30s - 1ns));
  EXPECT_TRUE(pace.go(t0 + 30s));
}

TEST(Pace, KeepsAReserveOfOneOfASmallQuota) {
  Pace pace({.learn = true}, t0);
  pace.learn(t0, quota(4, 2, 30s));
  EXPECT_EQ(pace.next(t0), t0 + 30s);  // one of two, spread: at the end
  pace.learn(t0, quota(4, 1, 30s));
  EXPECT_EQ(pace.next(t0), t0 + 30s);
  pace.learn(t0, quota(4, 0, 30s));
  EXPECT_EQ(pace.next(t0), t0 + 30s);
}

TEST(Pace, HoldsForGateMaxAtMostAndLetsOneGoThen) {
  Pace pace({.gate_max = 60s, .learn = true}, t0);
  pace.learn(t0, quota(100, 0, 24h));
  EXPECT_EQ(pace.next(t0), t0 + 60s);
  auto one = go_all(pace, t0 + 60s);
  EXPECT_EQ(one.size(), 1u);
  EXPECT_EQ(pace.next(t0 + 60s), t0 + 120s);
}

TEST(Pace, CountsWhatIsInFlightAsSpent) {
  Pace pace({.learn = true}, t0);
  auto turns = go_all(pace, t0, 10);
  pace.learn(t0, quota(100, 60, 30s));
  EXPECT_EQ(pace.estimate(t0, 0), t0 + Duration{30s} / 45);
}

TEST(Pace, CountsAnswersThatSayNothingAsSpent) {
  Pace pace({.learn = true}, t0);
  pace.learn(t0, quota(100, 60, 30s));
  auto turns = go_all(pace, t0, 10);
  answer_all(turns);
  EXPECT_GT(pace.next(t0), t0);
}

TEST(Pace, TakesBackFromTheQuotaWhatWasNotSent) {
  Pace pace({.learn = true}, t0);
  pace.learn(t0, quota(100, 51, 30s));
  pace.go(t0).reset();
  EXPECT_TRUE(pace.go(t0));
}

TEST(Pace, BelievesTheLeastOfAnswersThatOvertakeEachOther) {
  Pace pace({.learn = true}, t0);
  auto turns = go_all(pace, t0, 2);
  turns[1].answered();
  pace.learn(t0, quota(100, 51, 30s));
  turns[0].answered();
  pace.learn(t0, quota(100, 52, 31s));
  auto one = go_all(pace, t0);
  EXPECT_EQ(one.size(), 1u);
}

TEST(Pace, FollowsTheNewestWordOnTheQuota) {
  Pace pace({.learn = true}, t0);
  pace.learn(t0, quota(100, 90, 30s));
  auto turns = go_all(pace, t0, 20);
  answer_all(turns);
  pace.learn(t0, quota(100, 71, 30s));
  EXPECT_EQ(go_all(pace, t0).size(), 21u);
}

TEST(Pace, ForgetsAQuotaWhoseResetHasPassed) {
  Pace pace({}, t0);
  pace.learn(t0, quota(100, 0, 30s));
  EXPECT_TRUE(pace.limited());
  EXPECT_EQ(go_all(pace, t0 + 30s).size(), 1000u);
  EXPECT_FALSE(pace.limited());
}

TEST(Pace, BeginsAnewWithTheNextWindow) {
  Pace pace({.learn = true}, t0);
  pace.learn(t0, quota(100, 0, 30s));
  pace.learn(t0 + 10s, quota(100, 100, 60s));
  EXPECT_EQ(go_all(pace, t0 + 10s).size(), 50u);
}

TEST(Pace, FollowsAWindowThatSlides) {
  Pace pace({.learn = true}, t0);
  pace.learn(t0, quota(100, 10, 60s));
  pace.learn(t0 + 5s, quota(100, 100, 60s));
  EXPECT_EQ(pace.next(t0 + 5s), t0 + 5s);
}

TEST(Pace, WithoutALimitTakesTheMostThatRemained) {
  Pace pace({.learn = true}, t0);
  pace.learn(t0, {std::nullopt, 40, 30s});
  EXPECT_EQ(go_all(pace, t0).size(), 20u);
}

// An API that allows 100 requests in 10 s, counts them as they come in, and answers after 200 ms.
class CountingApi {
 public:
  void ask(Time now, Pace::Turn turn) {
    begin_window(now);
    ++asked_;
    worst_ = std::max(worst_, asked_);
    pending_.push_back({now + 200ms, asked_, std::move(turn)});
  }
  void answer(Time now, Pace& pace) {
    while (!pending_.empty() && pending_.front().at <= now) {
      begin_window(now);
      pending_.front().turn.answered();
      const std::uint64_t left = pending_.front().asked < kLimit ? kLimit - pending_.front().asked : 0;
      pace.learn(now, quota(kLimit, left, end_ - now));
      pending_.pop_front();
    }
  }
  std::uint64_t asked() const { return asked_; }
  std::uint64_t worst() const { return worst_; }
  std::size_t pending() const { return pending_.size(); }

  static constexpr std::uint64_t kLimit = 100;

 private:
  struct Pending {
    Time at;
    std::uint64_t asked;
    Pace::Turn turn;
  };
  void begin_window(Time now) {
    if (now < end_) return;
    end_ = now + 10s;
    asked_ = 0;
  }
  Time end_{};
  std::uint64_t asked_ = 0;
  std::uint64_t worst_ = 0;
  std::deque<Pending> pending_;
};

TEST(Pace, UsesAQuotaButForItsReserve) {
  Pace pace({.max_in_flight = 16, .learn = true}, t0);
  CountingApi api;
  for (Time now = t0; now < t0 + 60s; now += 1ms) {
    api.answer(now, pace);
    while (api.pending() < 16) {
      auto turn = pace.go(now);
      if (!turn) break;
      turn->spend();
      api.ask(now, std::move(*turn));
    }
    if ((now - t0) % 10s == 9999ms) {
      EXPECT_GE(api.asked(), 80u);
    }
  }
  EXPECT_LE(api.worst(), 95u);
}

TEST(Pace, SurvivesAbsurdQuotas) {
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  Pace pace({.gate_max = Duration::max(), .learn = true}, t0);
  pace.learn(t0, {kHuge, kHuge, Duration::max()});
  EXPECT_EQ(pace.next(t0), t0);
  pace.learn(t0, {kHuge, kHuge / 4, Duration::max()});
  EXPECT_GE(pace.estimate(t0, static_cast<std::size_t>(kHuge - 1)), t0);
  pace.learn(t0, {kHuge, 0, Duration::max()});
  EXPECT_GT(pace.next(t0), t0);
  pace.learn(t0, {0, 0, -5s});
  EXPECT_EQ(pace.next(t0), t0);
}

TEST(Pace, TheStrictestOfRateGateAndQuotaDecides) {
  Pace pace({.per_second = 1, .burst = 1, .learn = true}, t0);
  auto first = go_all(pace, t0);
  EXPECT_EQ(pace.next(t0), t0 + 1s);
  pace.learn(t0, quota(100, 15, 30s));
  EXPECT_EQ(pace.next(t0), t0 + Duration{30s} / 9);
  pace.close(t0, 10s);
  EXPECT_EQ(pace.next(t0), t0 + 10s);
}

}  // namespace
}  // namespace linegate
