// Retries: which ends are worth one, how long to wait, and how many there may be.
#include "upstream/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace linegate {
namespace {

constexpr Time t0{};

Response status(int code) {
  Response response;
  response.status = code;
  return response;
}

Response failure(ErrorKind kind) {
  HttpError error;
  error.kind = kind;
  return Response::failed(error);
}

Response timeout(Limit limit) {
  HttpError error;
  error.kind = ErrorKind::timeout;
  error.limit = limit;
  return Response::failed(error);
}

const RetryOptions kAll;
const RetryOptions kNone{.on_connect = false, .on_reset = false, .on_timeout = false, .on_status = {}};

TEST(WorthRetrying, TakesWhatNeverReachedTheApiForConnect) {
  for (const ErrorKind kind : {ErrorKind::dns, ErrorKind::connect, ErrorKind::tls}) {
    EXPECT_TRUE(worth_retrying({.on_reset = false, .on_timeout = false, .on_status = {}}, failure(kind)))
        << name(kind);
    EXPECT_FALSE(worth_retrying({.on_connect = false}, failure(kind))) << name(kind);
  }
}

TEST(WorthRetrying, TakesALostConnectionForReset) {
  EXPECT_TRUE(
      worth_retrying({.on_connect = false, .on_timeout = false, .on_status = {}}, failure(ErrorKind::reset)));
  EXPECT_FALSE(worth_retrying({.on_reset = false}, failure(ErrorKind::reset)));
}

TEST(WorthRetrying, TakesTheClocksOfOneAttemptForTimeout) {
  for (const Limit limit : {Limit::connect, Limit::first_byte}) {
    EXPECT_TRUE(worth_retrying({.on_connect = false, .on_reset = false, .on_status = {}}, timeout(limit)))
        << name(limit);
    EXPECT_FALSE(worth_retrying({.on_timeout = false}, timeout(limit))) << name(limit);
  }
}

TEST(WorthRetrying, NeverRepeatsAfterTheClocksOfTheWholeCall) {
  for (const Limit limit : {Limit::queue, Limit::total, Limit::client}) {
    EXPECT_FALSE(worth_retrying(kAll, timeout(limit))) << name(limit);
  }
}

TEST(WorthRetrying, NeverRepeatsWhatWasRefusedHereOrWouldEndTheSameWay) {
  for (const ErrorKind kind : {ErrorKind::bad_request, ErrorKind::too_large, ErrorKind::bad_payload,
                               ErrorKind::overloaded, ErrorKind::memory}) {
    EXPECT_FALSE(worth_retrying(kAll, failure(kind))) << name(kind);
  }
}

TEST(WorthRetrying, TakesTheStatusesThatAreNamed) {
  for (const int code : {429, 502, 503, 504}) EXPECT_TRUE(worth_retrying(kAll, status(code))) << code;
  for (const int code : {200, 304, 404, 500}) EXPECT_FALSE(worth_retrying(kAll, status(code))) << code;
  EXPECT_TRUE(worth_retrying({.on_status = {500}}, status(500)));
  EXPECT_FALSE(worth_retrying(kNone, status(503)));
}

TEST(WorthRetrying, GoesByTheErrorWhereTheStatusCameAndTheBodyDidNot) {
  Response half = failure(ErrorKind::too_large);
  half.status = 503;
  EXPECT_FALSE(worth_retrying(kAll, half));
}

constexpr double kAlmostOne = 1 - 0x1p-53;  // the greatest chance below 1

TEST(Backoff, IsEvenlySpreadFromZero) {
  const RetryOptions options{.backoff_base = 100ms, .backoff_max = 1s};
  EXPECT_EQ(backoff(options, 1, 0), 0s);
  EXPECT_EQ(backoff(options, 1, 0.5), 50ms);
  EXPECT_EQ(backoff(options, 1, 0.75), 75ms);
}

TEST(Backoff, DoublesUpToItsMaximum) {
  const RetryOptions options{.backoff_base = 100ms, .backoff_max = 1s};
  EXPECT_EQ(backoff(options, 2, 0.5), 100ms);
  EXPECT_EQ(backoff(options, 3, 0.5), 200ms);
  EXPECT_EQ(backoff(options, 4, 0.5), 400ms);
  EXPECT_EQ(backoff(options, 5, 0.5), 500ms);
  EXPECT_EQ(backoff(options, 4'000'000'000, 0.5), 500ms);
}

TEST(Backoff, IsNeverLongerThanItsMaximumThoughItsBaseIs) {
  EXPECT_EQ(backoff({.backoff_base = 10s, .backoff_max = 1s}, 1, 0.5), 500ms);
}

TEST(Backoff, StaysBelowItsMaximum) {
  EXPECT_LT(backoff({.backoff_base = 1s, .backoff_max = 1s}, 1, kAlmostOne), 1s);
}

TEST(Backoff, IsZeroWithoutABase) {
  EXPECT_EQ(backoff({.backoff_base = 0s, .backoff_max = 1s}, 4'000'000'000, kAlmostOne), 0s);
}

TEST(Backoff, DoesNotOverflow) {
  const Duration most = backoff({.backoff_base = 3ns, .backoff_max = Duration::max()}, 100, kAlmostOne);
  EXPECT_GT(most, Duration::max() / 2);
}

int take_all(RetryBudget& budget, Time now) {
  int taken = 0;
  while (budget.take(now)) ++taken;
  return taken;
}

TEST(RetryBudget, BeginsWithOneSecondsWorth) {
  RetryBudget budget(0.2, 3, t0);
  EXPECT_EQ(budget.left(t0), 3);
  EXPECT_EQ(take_all(budget, t0), 3);
}

TEST(RetryBudget, BeginsWithOneRetryAtLeast) {
  RetryBudget budget(0, 0.1, t0);
  EXPECT_EQ(take_all(budget, t0), 1);
  EXPECT_FALSE(budget.take(t0 + 10s - 1us));
  EXPECT_TRUE(budget.take(t0 + 10s));
}

TEST(RetryBudget, PermitsNoneWithoutRatioAndMinimum) {
  RetryBudget budget(0, 0, t0);
  for (int i = 0; i < 10'000; ++i) budget.add_request(t0);
  EXPECT_FALSE(budget.take(t0 + 24h));
}

TEST(RetryBudget, PermitsOneForEachFiveRequestsAtAFifth) {
  RetryBudget budget(0.2, 0, t0);
  for (int i = 0; i < 4; ++i) budget.add_request(t0);
  EXPECT_FALSE(budget.take(t0 + 1h));
  budget.add_request(t0);
  EXPECT_TRUE(budget.take(t0));
  EXPECT_FALSE(budget.take(t0));
}

TEST(RetryBudget, PermitsItsMinimumEverySecondOnTop) {
  RetryBudget budget(0.2, 3, t0);
  take_all(budget, t0);
  for (int i = 0; i < 10; ++i) budget.add_request(t0);
  EXPECT_EQ(take_all(budget, t0), 2);
  EXPECT_EQ(take_all(budget, t0 + 1s), 3);
}

TEST(RetryBudget, DoesNotStoreAStormInHoursOfCalm) {
  RetryBudget budget(0.2, 3, t0);
  for (int i = 0; i < 100'000; ++i) budget.add_request(t0 + i * 1s);
  EXPECT_EQ(take_all(budget, t0 + 100'000s), 10 * 3 + 500 * 0.2);
}

TEST(RetryBudget, KeepsAtLeastOneRetry) {
  RetryBudget budget(0.001, 0, t0);
  for (int i = 0; i < 999; ++i) budget.add_request(t0);
  EXPECT_FALSE(budget.take(t0));
  budget.add_request(t0);
  EXPECT_TRUE(budget.take(t0));
}

TEST(RetryBudget, OfZeroStillHasItsMinimum) {
  RetryBudget budget(0, 2, t0);
  for (int i = 0; i < 100; ++i) budget.add_request(t0);
  EXPECT_EQ(take_all(budget, t0), 2);
}

struct Budget {
  double ratio;
  double min_per_second;
};

// Random calm, rushes and outages, in which as much as possible is retried.
class RetryBudgetOverTime : public testing::TestWithParam<Budget> {};

TEST_P(RetryBudgetOverTime, NeverPermitsMoreThanItsShareOfTheRequestsAndItsMinimum) {
  const auto [ratio, min_per_second] = GetParam();
  const double start = min_per_second > 0 ? std::max(1.0, min_per_second) : 0;
  const double kept = std::max({1.0, start, 10 * min_per_second + 500 * ratio});
  std::mt19937_64 random(9);
  std::uniform_int_distribution<int> dice(0, 999);
  std::uniform_int_distribution<int> pause(0, 100'000'000);
  RetryBudget budget(ratio, min_per_second, t0);
  Time now = t0;
  double requests = 0;
  double granted = 0;
  double mark = 0;  // granted - permitted at its least: the worst window up to now begins there
  for (int i = 0; i < 50'000; ++i) {
    const int roll = dice(random);
    if (roll < 300) {
      now += Duration(pause(random));
    } else if (roll < 700) {
      budget.add_request(now);
      ++requests;
    } else if (roll < 702) {
      now += 20s;
    } else if (budget.take(now)) {
      ++granted;
    }
    const double seconds = std::chrono::duration<double>(now - t0).count();
    const double beyond = granted - ratio * requests - min_per_second * seconds;
    ASSERT_LE(beyond, start + 1e-6) << "from the start";
    mark = std::min(mark, beyond);
    ASSERT_LE(beyond - mark, kept + 1e-6) << "in a window";
  }
  EXPECT_GT(granted, 0.5 * (ratio * requests)) << "and it does permit them";
}

INSTANTIATE_TEST_SUITE_P(Budgets, RetryBudgetOverTime,
                         testing::Values(Budget{0.2, 3}, Budget{0.2, 0}, Budget{0, 3}, Budget{0.01, 0.1},
                                         Budget{0.1, 0.05}, Budget{1, 10}));

}  // namespace
}  // namespace linegate
