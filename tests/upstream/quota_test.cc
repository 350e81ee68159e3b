// What APIs say of their quotas.
#include "upstream/quota.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace linegate {
namespace {

constexpr std::int64_t kWall = 1'700'000'000;

using Given = std::vector<std::pair<std::string, std::string>>;

std::optional<Quota> read(const Given& given) {
  Headers headers;
  for (const auto& [name, value] : given) headers.append_line(name + ": " + value + "\r\n");
  return read_quota(headers, kWall);
}

void expect(const Given& given, std::optional<std::uint64_t> limit, std::uint64_t remaining, Duration reset) {
  auto quota = read(given);
  ASSERT_TRUE(quota);
  EXPECT_EQ(quota->limit, limit);
  EXPECT_EQ(quota->remaining, remaining);
  EXPECT_EQ(quota->reset, reset);
}

std::optional<Duration> x_reset(const std::string& reset) {
  auto quota = read({{"X-RateLimit-Remaining", "5"}, {"X-RateLimit-Reset", reset}});
  if (!quota) return std::nullopt;
  return quota->reset;
}

std::optional<std::uint64_t> x_remaining(const std::string& remaining) {
  auto quota = read({{"X-RateLimit-Remaining", remaining}, {"X-RateLimit-Reset", "30"}});
  if (!quota) return std::nullopt;
  return quota->remaining;
}

TEST(Quota, ReadsNothingWhereNothingIsSaid) {
  EXPECT_FALSE(read({{"Content-Type", "application/json"}}));
}

TEST(Quota, ReadsTheDictionaryOfTheOlderDraft) {
  expect({{"RateLimit", "limit=100, remaining=50, reset=30"}}, 100, 50, 30s);
  expect({{"ratelimit", " Reset=30 ,remaining = 50;x=1"}}, std::nullopt, 50, 30s);
  expect({{"RateLimit", "limit=100"}, {"RateLimit", "remaining=50, reset=30"}}, 100, 50, 30s);
}

TEST(Quota, ReadsThePoliciesOfTheNewerDraft) {
  expect({{"RateLimit", R"("default";r=50;t=30)"}}, std::nullopt, 50, 30s);
  expect({{"RateLimit", R"( "a;r=1,b\";" ; r=50 ; t=30 ; pk=:YQ==:)"}}, std::nullopt, 50, 30s);
  expect({{"RateLimit", "default;r=50;t=30"}}, std::nullopt, 50, 30s);
}

TEST(Quota, FindsThePolicysLimit) {
  Given given = {{"RateLimit", R"("hour";r=50;t=30)"},
                 {"RateLimit-Policy", R"("day";q=9000;w=86400, "hour";q=100;w=3600)"}};
  expect(given, 100, 50, 30s);
}

TEST(Quota, TakesThePolicyThatLetsLeastThrough) {
  expect({{"RateLimit", R"("minute";r=50;t=30, "day";r=900;t=40000)"}}, std::nullopt, 900, 40000s);
  expect({{"RateLimit", R"("day";r=90000;t=40000)"}, {"RateLimit", R"("minute";r=5;t=30)"}}, std::nullopt, 5,
         30s);
}

TEST(Quota, TakesTheLongestOfPoliciesThatLetNothingThrough) {
  expect({{"RateLimit", R"("a";r=0;t=30, "b";r=0;t=60, "c";r=0;t=10)"}}, std::nullopt, 0, 60s);
}

TEST(Quota, PassesOverPoliciesThatSayTooLittle) {
  expect({{"RateLimit", R"("a";r=1, "b";t=9, "c";r=7;t=9, "d")"}}, std::nullopt, 7, 9s);
}

TEST(Quota, ReadsTheFieldsOfTheFirstDrafts) {
  expect({{"RateLimit-Limit", "100, 100;w=60"}, {"RateLimit-Remaining", "50"}, {"RateLimit-Reset", "30"}},
         100, 50, 30s);
}

TEST(Quota, ReadsTheXFields) {
  expect({{"x-ratelimit-limit", "100"}, {"x-ratelimit-remaining", "50"}, {"x-ratelimit-reset", "30"}}, 100,
         50, 30s);
}

TEST(Quota, ReadsWhatGithubSends) {
  expect({{"x-ratelimit-limit", "5000"},
          {"x-ratelimit-remaining", "4987"},
          {"x-ratelimit-reset", "1700003600"},
          {"x-ratelimit-resource", "core"},
          {"x-ratelimit-used", "13"}},
         5000, 4987, 1h);
}

TEST(Quota, PrefersTheStandardsFields) {
  expect({{"X-RateLimit-Remaining", "1"},
          {"X-RateLimit-Reset", "1"},
          {"RateLimit-Remaining", "2"},
          {"RateLimit-Reset", "2"},
          {"RateLimit", "remaining=3, reset=3"}},
         std::nullopt, 3, 3s);
  expect({{"X-RateLimit-Remaining", "1"},
          {"X-RateLimit-Reset", "1"},
          {"RateLimit-Remaining", "2"},
          {"RateLimit-Reset", "2"},
          {"RateLimit", "garbage"}},
         std::nullopt, 2, 2s);
}

TEST(Quota, KnowsSecondsFromUnixTimes) {
  EXPECT_EQ(x_reset("0"), 0s);
  EXPECT_EQ(x_reset("3600"), 1h);
  EXPECT_EQ(x_reset("1700000060"), 60s);
  EXPECT_EQ(x_reset("1700000060500"), 60500ms);
}

TEST(Quota, TakesAPastResetForZero) {
  EXPECT_EQ(x_reset("1699999999"), 0s);
  EXPECT_EQ(x_reset("1699999999000"), 0s);
}

TEST(Quota, ReadsAResetThatIsADate) {
  EXPECT_EQ(x_reset("Tue, 14 Nov 2023 22:14:20 GMT"), 60s);
  EXPECT_EQ(x_reset("Sun, 06 Nov 1994 08:49:37 GMT"), 0s);
}

TEST(Quota, BelievesNoResetThatIsMoreThanAYearAway) {
  EXPECT_EQ(x_reset("31622400"), 366 * 24h);
  EXPECT_FALSE(x_reset("31622401"));
  EXPECT_FALSE(x_reset("1800000000"));
  EXPECT_FALSE(x_reset("1700000060000000"));  // microseconds
  EXPECT_FALSE(x_reset("99999999999999999999999999"));
}

TEST(Quota, RoundsFractionsToTheSafeSide) {
  EXPECT_EQ(x_reset("29.3"), 30s);
  EXPECT_EQ(x_reset("1700000060.25"), 61s);
  EXPECT_EQ(x_remaining("598.9"), 598u);
}

TEST(Quota, CutsHugeNumbers) {
  EXPECT_EQ(x_remaining("1000000000000000"), 1'000'000'000'000'000u);
  EXPECT_EQ(x_remaining("18446744073709551616"), 1'000'000'000'000'000u);
  EXPECT_EQ(x_remaining("999999999999999"), 999'999'999'999'999u);
}

TEST(Quota, RefusesWhatIsNoNumber) {
  for (const char* bad : {"", "-1", "+5", "five", "5five", "0x5", "1.2.3", ".5", "5 5", "=5", "\"5\""}) {
    EXPECT_FALSE(x_remaining(bad)) << bad;
    EXPECT_FALSE(x_reset(bad)) << bad;
  }
}

TEST(Quota, NeedsRemainingAndReset) {
  EXPECT_FALSE(read({{"X-RateLimit-Limit", "5"}, {"X-RateLimit-Remaining", "5"}}));
  EXPECT_FALSE(read({{"X-RateLimit-Limit", "5"}, {"X-RateLimit-Reset", "5"}}));
  EXPECT_FALSE(read({{"RateLimit", "limit=100, remaining=50"}}));
}

TEST(Quota, DoesWithoutALimitThatIsNoNumber) {
  expect({{"X-RateLimit-Limit", "many"}, {"X-RateLimit-Remaining", "5"}, {"X-RateLimit-Reset", "30"}},
         std::nullopt, 5, 30s);
}

TEST(Quota, ReadsGarbageWithoutHarm) {
  for (const char* bad : {";", ",", "\"", "\"\\", ";;r=1", "r=1;t=1;", "=;=,=", "\"a;r=1;t=1", ",,,;r;t"}) {
    EXPECT_FALSE(read({{"RateLimit", bad}, {"RateLimit-Policy", bad}})) << bad;
  }
}

}  // namespace
}  // namespace linegate
