// The token bucket: how many it lets go, and when the next one will be there.
#include "base/token_bucket.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace linegate {
namespace {

constexpr Time t0{};

int take_all(TokenBucket& bucket, Time now) {
  int taken = 0;
  while (bucket.take(now)) ++taken;
  return taken;
}

TEST(TokenBucket, BeginsWithItsBurst) {
  TokenBucket bucket(10, 3, t0);
  EXPECT_EQ(take_all(bucket, t0), 3);
}

TEST(TokenBucket, GetsOneMoreWhenItsTimeHasComeAndNotBefore) {
  TokenBucket bucket(10, 1, t0);
  EXPECT_TRUE(bucket.take(t0));
  EXPECT_FALSE(bucket.take(t0 + 100ms - 1us));
  EXPECT_TRUE(bucket.take(t0 + 100ms));
  EXPECT_FALSE(bucket.take(t0 + 100ms));
}

TEST(TokenBucket, NeverHoldsMoreThanItsBurst) {
  TokenBucket bucket(10, 3, t0);
  EXPECT_EQ(bucket.tokens(t0 + 24h), 3);
  EXPECT_EQ(take_all(bucket, t0 + 24h), 3);
}

TEST(TokenBucket, TakesABurstBelowOneAsOne) {
  TokenBucket bucket(1, 0.25, t0);
  EXPECT_EQ(take_all(bucket, t0), 1);
  EXPECT_EQ(take_all(bucket, t0 + 1h), 1);
}

TEST(TokenBucket, AddsFractionsUpToAWholeToken) {
  TokenBucket bucket(0, 1, t0);
  EXPECT_TRUE(bucket.take(t0));
  for (int i = 0; i < 9; ++i) bucket.add(0.1);
  EXPECT_FALSE(bucket.take(t0));
  bucket.add(0.1);  // 0.1 ten times is less than 1 in binary
  EXPECT_TRUE(bucket.take(t0));
}

TEST(TokenBucket, OwesWhatItRoundedUp) {
  TokenBucket bucket(0, 10, t0);
  bucket.drain(t0, 1 - 9e-10);
  EXPECT_TRUE(bucket.take(t0));
  EXPECT_EQ(bucket.tokens(t0), 0);
  bucket.add(1 - 9e-10);
  EXPECT_FALSE(bucket.take(t0));
}

TEST(TokenBucket, TakesBackWhatWasNotUsed) {
  TokenBucket bucket(1, 2, t0);
  EXPECT_EQ(take_all(bucket, t0), 2);
  bucket.give_back();
  EXPECT_EQ(bucket.tokens(t0), 1);
  EXPECT_TRUE(bucket.take(t0));
}

TEST(TokenBucket, IsNotFilledBeyondItsBurstByWhatComesBack) {
  TokenBucket bucket(1, 2, t0);
  EXPECT_TRUE(bucket.take(t0));
  bucket.give_back();
  bucket.give_back();
  EXPECT_EQ(bucket.tokens(t0), 2);
  EXPECT_EQ(bucket.tokens(t0 + 1s), 2);
}

TEST(TokenBucket, IsReadyAtOnceWhileItHoldsOne) {
  TokenBucket bucket(1, 2, t0);
  EXPECT_EQ(bucket.ready_at(t0 + 5s), t0 + 5s);
  EXPECT_EQ(bucket.ready_at(t0, 2), t0);
}

TEST(TokenBucket, SaysWhenTheNextWillBeThere) {
  TokenBucket bucket(4, 1, t0);
  EXPECT_TRUE(bucket.take(t0));
  EXPECT_EQ(bucket.ready_at(t0), t0 + 250ms);
  EXPECT_EQ(bucket.ready_at(t0 + 100ms), t0 + 250ms);
  EXPECT_EQ(bucket.ready_at(t0 + 300ms), t0 + 300ms);
}

TEST(TokenBucket, SaysWhenTheLastOfMoreThanItsBurstWillHaveCome) {
  TokenBucket bucket(4, 2, t0);
  EXPECT_EQ(bucket.ready_at(t0, 10), t0 + 2s);
}

TEST(TokenBucket, WithoutARateIsNeverReadyOnItsOwn) {
  TokenBucket bucket(0, 1, t0);
  EXPECT_TRUE(bucket.take(t0));
  EXPECT_EQ(bucket.ready_at(t0), Time::max());
  EXPECT_FALSE(bucket.take(t0 + 24h));
}

TEST(TokenBucket, IsNeverReadyAtATimeThatClocksDoNotReach) {
  TokenBucket bucket(1e-9, 1, t0);
  EXPECT_EQ(bucket.ready_at(t0, 1000), Time::max());
}

TEST(TokenBucket, LeavesNoMoreThanItIsDrainedTo) {
  TokenBucket bucket(1, 5, t0);
  bucket.drain(t0 + 1h, 2);
  EXPECT_EQ(bucket.tokens(t0 + 1h), 2);
  bucket.drain(t0 + 1h, 4);
  EXPECT_EQ(bucket.tokens(t0 + 1h), 2);
  bucket.drain(t0 + 1h, 0);
  EXPECT_EQ(bucket.ready_at(t0 + 1h), t0 + 1h + 1s);
}

TEST(TokenBucket, GainsNothingFromATimeThatGoesBack) {
  TokenBucket bucket(1, 1, t0 + 10s);
  EXPECT_TRUE(bucket.take(t0 + 10s));
  bucket.drain(t0, 1);
  EXPECT_FALSE(bucket.take(t0 + 10s));
  EXPECT_FALSE(bucket.take(t0 + 11s - 1us));
  EXPECT_TRUE(bucket.take(t0 + 11s));
}

// Otherwise who waits until then would ask again at once, and again.
TEST(TokenBucket, AlwaysHasOneWhenItHadSaidThatItWould) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> exponent(-3, 6);
  std::uniform_int_distribution<int> pause(0, 1'000'000);
  for (int round = 0; round < 200; ++round) {
    TokenBucket bucket(std::pow(10, exponent(random)), std::pow(10, exponent(random)), t0);
    Time now = t0;
    bucket.drain(now, 0);
    for (int i = 0; i < 50; ++i) {
      now = bucket.ready_at(now + Duration(pause(random)));
      ASSERT_TRUE(bucket.take(now)) << round << ' ' << i;
      if (i % 7 == 0) bucket.drain(now, 0.3);
    }
  }
}

TEST(TokenBucket, InTheLongRunLetsGoItsBurstAndItsRate) {
  std::mt19937_64 random(8);
  std::uniform_int_distribution<int> pause(0, 40'000'000);
  TokenBucket bucket(37, 5, t0);
  Time now = t0;
  int taken = take_all(bucket, now);
  for (int i = 0; i < 20'000; ++i) {
    now += Duration(pause(random));
    taken += take_all(bucket, now);
    const double most = 5 + 37 * std::chrono::duration<double>(now - t0).count();
    ASSERT_LE(taken, most + 1e-6);
    ASSERT_GT(taken, most - 1 - 1e-6);
  }
}

}  // namespace
}  // namespace linegate
