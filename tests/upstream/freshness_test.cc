// For how long a response may be given to others: RFC 9111 and RFC 5861 row by row.
#include "upstream/freshness.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace linegate {
namespace {

constexpr std::int64_t kWall = 784111777;
constexpr const char* kDate = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";          // kWall
constexpr const char* kMinuteAgo = "Date: Sun, 06 Nov 1994 08:48:37 GMT\r\n";     // a minute before
constexpr const char* kInAMinute = "Expires: Sun, 06 Nov 1994 08:50:37 GMT\r\n";  // a minute after
constexpr const char* kETag = "ETag: \"1\"\r\n";

Response response(const std::string& fields, int status = 200) {
  Response made;
  made.status = status;
  made.headers.append_line(fields);
  return made;
}

struct FreshnessTest : testing::Test {
  Freshness of(const std::string& fields, int status = 200) {
    return freshness_of(response(fields, status), policy, delay, kWall);
  }
  Freshness control(const std::string& directives, int status = 200) {
    return of("Cache-Control: " + directives + "\r\n", status);
  }
  bool stored(const std::string& fields, int status = 200) { return of(fields, status).store; }

  CachePolicy policy;
  Duration delay{};
};

struct Override : FreshnessTest {
  Override() {
    policy.mode = CacheMode::override_ttl;
    policy.ttl = 60s;
  }
};

// ---------------------------------------------------------------- lifetime

TEST_F(FreshnessTest, IsMaxAge) {
  Freshness freshness = control("max-age=60");
  EXPECT_TRUE(freshness.store);
  EXPECT_EQ(freshness.lifetime, 60s);
  EXPECT_EQ(freshness.initial_age, 0s);
}

TEST_F(FreshnessTest, IsSMaxageBeforeMaxAgeBeforeExpires) {
  EXPECT_EQ(of(std::string(kDate) + kInAMinute + "Cache-Control: max-age=5, s-maxage=7\r\n").lifetime, 7s);
  EXPECT_EQ(of(std::string(kDate) + kInAMinute + "Cache-Control: max-age=5\r\n").lifetime, 5s);
  EXPECT_EQ(of(std::string(kDate) + kInAMinute).lifetime, 60s);
}

// The API's clock may be wrong; both times are of the same clock.
TEST_F(FreshnessTest, IsExpiresLessDateAndLessNowWithoutDate) {
  EXPECT_EQ(of(std::string(kMinuteAgo) + kInAMinute).lifetime, 120s);
  EXPECT_EQ(of(kInAMinute).lifetime, 60s);
  EXPECT_EQ(of(std::string("Date: today\r\n") + kInAMinute).lifetime, 60s);
}

TEST_F(FreshnessTest, HasEndedWhereExpiresIsInThePastOrNoDate) {
  for (const char* expires : {"0", "-1", "", "never", "Sun, 06 Nov 1994 08:49:37 GMT"}) {
    Freshness freshness = of(std::string(kDate) + kETag + "Expires: " + expires + "\r\n");
    EXPECT_TRUE(freshness.store) << expires;
    EXPECT_EQ(freshness.lifetime, 0s) << expires;
  }
}

TEST_F(FreshnessTest, KnowsNoHeuristics) {
  EXPECT_FALSE(stored(kDate));
  EXPECT_EQ(of("Last-Modified: Sun, 06 Nov 1984 08:49:37 GMT\r\n").lifetime, 0s);
}

TEST_F(FreshnessTest, SurvivesTheLargestNumbers) {
  policy.max_stale = Duration::max();
  delay = Duration::max();
  Freshness freshness =
      of("Cache-Control: max-age=99999999999, stale-if-error=99999999999\r\nAge: 99999999999\r\n"
         "Date: Sat, 01 Jan 0000 00:00:00 GMT\r\n");
  EXPECT_TRUE(freshness.store);
  EXPECT_EQ(freshness.initial_age, freshness.lifetime);
  EXPECT_GT(freshness.lifetime + freshness.if_error, freshness.lifetime);
}

// ---------------------------------------------------------------- age

TEST_F(FreshnessTest, CountsAgeAndDelay) {
  delay = 300ms;
  EXPECT_EQ(of("Cache-Control: max-age=60\r\nAge: 10\r\n").initial_age, 10300ms);
}

TEST_F(FreshnessTest, CountsWhatItsDateTellsWhereThatIsMore) {
  delay = 1s;
  std::string fields = std::string("Cache-Control: max-age=600\r\n") + kMinuteAgo;
  EXPECT_EQ(of(fields).initial_age, 60s);
  EXPECT_EQ(of(fields + "Age: 59\r\n").initial_age, 60s);
  EXPECT_EQ(of(fields + "Age: 60\r\n").initial_age, 61s);
}

TEST_F(FreshnessTest, HasNoAgeBelowZero) {
  delay = -1s;
  EXPECT_EQ(of("Cache-Control: max-age=60\r\nDate: Fri, 31 Dec 9999 23:59:59 GMT\r\n").initial_age, 0s);
}

TEST_F(FreshnessTest, TakesTheFirstAgeAndIgnoresNonsense) {
  EXPECT_EQ(of("Cache-Control: max-age=60\r\nAge: 10, 20\r\nAge: 30\r\n").initial_age, 10s);
  EXPECT_EQ(of("Cache-Control: max-age=60\r\nAge: -5\r\n").initial_age, 0s);
}

// A copy that a shared cache before us kept for its whole life is of no use.
TEST_F(FreshnessTest, DoesNotStoreWhatArrivesStale) {
  EXPECT_FALSE(stored("Cache-Control: max-age=60\r\nAge: 60\r\n"));
  EXPECT_TRUE(stored("Cache-Control: max-age=60\r\nAge: 59\r\n"));
  EXPECT_TRUE(stored(std::string("Cache-Control: max-age=60\r\nAge: 60\r\n") + kETag));
}

// ---------------------------------------------------------------- what is not stored

TEST_F(FreshnessTest, StoresNothingWhenOff) {
  policy.mode = CacheMode::off;
  EXPECT_FALSE(control("max-age=60").store);
}

TEST_F(FreshnessTest, DoesNotStoreNoStoreAndPrivate) {
  for (const char* directives :
       {"no-store, max-age=60", "max-age=60, private", "private=\"X\", s-maxage=60"}) {
    EXPECT_FALSE(stored("Cache-Control: " + std::string(directives) + "\r\n" + kETag)) << directives;
  }
}

// One client's session must not be set for another.
TEST_F(FreshnessTest, DoesNotStoreSetCookie) {
  EXPECT_FALSE(stored("Cache-Control: public, max-age=60\r\nset-cookie: a=b\r\n"));
}

TEST_F(FreshnessTest, DoesNotStoreVaryStarWhereverItStands) {
  EXPECT_FALSE(stored("Cache-Control: max-age=60\r\nVary: *\r\n"));
  EXPECT_FALSE(stored("Cache-Control: max-age=60\r\nVary: Accept\r\nVary: Accept-Encoding , *\r\n"));
  EXPECT_TRUE(stored("Cache-Control: max-age=60\r\nVary: Accept, X-*\r\n"));
}

TEST_F(FreshnessTest, DoesNotStorePartsAndFailures) {
  EXPECT_FALSE(control("max-age=60", 206).store);
  EXPECT_FALSE(stored("Cache-Control: max-age=60\r\nContent-Range: bytes 0-1/2\r\n"));
  EXPECT_FALSE(control("max-age=60", 304).store);
  EXPECT_FALSE(control("max-age=60", 103).store);
  Response failed = response("Cache-Control: max-age=60\r\n");
  failed.error = HttpError();
  EXPECT_FALSE(freshness_of(failed, policy, delay, kWall).store);
}

TEST_F(FreshnessTest, Stores4xxAnd3xxThatSayForHowLong) {
  for (int status : {301, 302, 400, 404, 410, 428, 431, 499}) {
    EXPECT_EQ(control("max-age=60", status).lifetime, 60s) << status;
    EXPECT_TRUE(control("max-age=60", status).store) << status;
  }
}

// A misconfigured API that sends max-age with its 500 would be down for an hour here.
TEST_F(FreshnessTest, DoesNotStore429And5xxWhateverTheySay) {
  for (int status : {429, 500, 503, 599}) EXPECT_FALSE(control("max-age=60", status).store) << status;
}

TEST_F(FreshnessTest, StoresAStaleResponseOnlyForItsValidatorOrItsWindows) {
  EXPECT_FALSE(control("max-age=0").store);
  EXPECT_TRUE(stored(std::string("Cache-Control: max-age=0\r\n") + kETag));
  EXPECT_TRUE(control("max-age=0, stale-if-error=1").store);
  EXPECT_TRUE(control("max-age=0, stale-while-revalidate=1").store);
  EXPECT_TRUE(stored(kETag));
}

// A 404 answers no condition, so its validator is of no use; and a 403 must not be kept for its window.
TEST_F(FreshnessTest, DoesNotStoreAnErrorThatSaysNothing) {
  policy.stale_if_error = policy.stale_while_revalidate = 60s;
  for (int status : {301, 401, 403, 404}) EXPECT_FALSE(stored(kETag, status)) << status;
  EXPECT_FALSE(control("stale-if-error=60", 404).store);
}

// ---------------------------------------------------------------- no-cache

TEST_F(FreshnessTest, OfNoCacheIsZeroWithoutStaleUse) {
  policy.stale_if_error = 60s;
  Freshness freshness = of(
      std::string("Cache-Control: no-cache, max-age=60, stale-if-error=60, stale-while-revalidate=60\r\n") +
      kETag);
  EXPECT_TRUE(freshness.store);
  EXPECT_EQ(freshness.lifetime, 0s);
  EXPECT_EQ(freshness.if_error, 0s);
  EXPECT_EQ(freshness.while_revalidate, 0s);
}

TEST_F(FreshnessTest, StoresNoCacheOnlyWithAValidator) {
  EXPECT_FALSE(control("no-cache, max-age=60").store);
  EXPECT_TRUE(stored("Cache-Control: no-cache\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
}

TEST_F(FreshnessTest, ObeysPragmaOnlyWithoutCacheControl) {
  EXPECT_EQ(of(std::string("Pragma: x, No-Cache\r\n") + kInAMinute + kETag).lifetime, 0s);
  EXPECT_EQ(of("Pragma: no-cache\r\nCache-Control: max-age=60\r\n").lifetime, 60s);
}

// ---------------------------------------------------------------- stale use

TEST_F(FreshnessTest, TakesTheResponsesWindowsBeforeThePolicys) {
  policy.stale_while_revalidate = 10s;
  policy.stale_if_error = 20s;
  Freshness own = control("max-age=60, stale-while-revalidate=30, stale-if-error=0");
  EXPECT_EQ(own.while_revalidate, 30s);
  EXPECT_EQ(own.if_error, 0s);
  Freshness ours = control("max-age=60");
  EXPECT_EQ(ours.while_revalidate, 10s);
  EXPECT_EQ(ours.if_error, 20s);
}

TEST_F(FreshnessTest, BoundsBothWindowsByMaxStale) {
  policy.max_stale = 30s;
  policy.stale_while_revalidate = policy.stale_if_error = 31s;
  for (const char* directives : {"max-age=60", "max-age=60, stale-while-revalidate=99, stale-if-error=99"}) {
    EXPECT_EQ(control(directives).while_revalidate, 30s);
    EXPECT_EQ(control(directives).if_error, 30s);
  }
}

// Serving these stale is what undici #5508 is about.
TEST_F(FreshnessTest, ForbidsStaleUseWhereTheResponseDoes) {
  policy.stale_while_revalidate = policy.stale_if_error = 60s;
  for (const char* directives : {"max-age=60, must-revalidate", "max-age=60, proxy-revalidate", "s-maxage=60",
                                 "s-maxage=60, must-revalidate, stale-while-revalidate=60"}) {
    Freshness freshness = control(directives);
    EXPECT_EQ(freshness.lifetime, 60s) << directives;
    EXPECT_EQ(freshness.while_revalidate, 0s) << directives;
    EXPECT_EQ(freshness.if_error, 0s) << directives;
  }
}

TEST_F(FreshnessTest, TakesTheResponsesOwnWindowsBesideSMaxage) {
  policy.stale_while_revalidate = policy.stale_if_error = 60s;
  Freshness freshness = control("s-maxage=60, stale-while-revalidate=300");
  EXPECT_EQ(freshness.while_revalidate, 300s);
  EXPECT_EQ(freshness.if_error, 0s);
  EXPECT_EQ(control("stale-if-error=30, s-maxage=60").if_error, 30s);
}

// A dead API with a warm cache keeps answering, even if it never said a word about caching.
TEST_F(FreshnessTest, LetsThePolicyKeepASilentSuccessForErrors) {
  policy.stale_if_error = 60s;
  EXPECT_TRUE(stored(kDate));
  EXPECT_EQ(of(kDate).lifetime, 0s);
  EXPECT_EQ(of(kDate).if_error, 60s);
}

// ---------------------------------------------------------------- negative

TEST_F(FreshnessTest, IsTheNegativeOneWhereTheResponseSaysNothing) {
  policy.negative = {{404, 5s}, {503, 2s}, {429, 1s}};
  EXPECT_EQ(of("", 404).lifetime, 5s);
  EXPECT_TRUE(stored("", 404));
  EXPECT_EQ(of("", 503).lifetime, 2s);
  EXPECT_EQ(of("", 429).lifetime, 1s);
  EXPECT_TRUE(stored("", 429));
  EXPECT_FALSE(stored("", 410));
  EXPECT_FALSE(stored("", 500));
}

TEST_F(FreshnessTest, IsTheResponsesBeforeTheNegativeOne) {
  policy.negative = {{404, 5s}, {503, 5s}};
  EXPECT_EQ(control("max-age=60", 404).lifetime, 60s);
  EXPECT_EQ(control("max-age=60", 503).lifetime, 60s);
  EXPECT_FALSE(control("max-age=0", 404).store);
  EXPECT_FALSE(control("no-cache", 404).store);
  EXPECT_FALSE(control("no-store", 404).store);
  EXPECT_FALSE(stored("Set-Cookie: a=b\r\n", 404));
}

TEST_F(FreshnessTest, IsNeverNegativeForASuccess) {
  policy.negative = {{200, 5s}};
  EXPECT_FALSE(stored(""));
}

TEST_F(FreshnessTest, OfANegativeOneIsAllThereIs) {
  policy.negative = {{404, 5s}, {503, 5s}};
  policy.stale_if_error = policy.stale_while_revalidate = 60s;
  delay = 1s;
  Freshness freshness = of(std::string(kMinuteAgo) + "Age: 100\r\n", 404);
  EXPECT_EQ(freshness.if_error, 0s);
  EXPECT_EQ(freshness.while_revalidate, 0s);
  EXPECT_EQ(freshness.initial_age, 1s);
  EXPECT_EQ(control("max-age=60", 503).if_error, 0s);
  EXPECT_EQ(control("max-age=60", 404).if_error, 60s);
}

// ---------------------------------------------------------------- override

TEST_F(Override, ReplacesWhatASuccessSays) {
  for (const char* fields : {"", "Cache-Control: no-store\r\n", "Cache-Control: private, no-cache\r\n",
                             "Cache-Control: max-age=5\r\n", "Expires: 0\r\n", "Pragma: no-cache\r\n"}) {
    EXPECT_TRUE(stored(fields)) << fields;
    EXPECT_EQ(of(fields).lifetime, 60s) << fields;
  }
}

TEST_F(Override, TakesWindowsFromThePolicyOnly) {
  policy.stale_while_revalidate = 10s;
  policy.stale_if_error = 7200s;
  Freshness freshness = control("must-revalidate, stale-while-revalidate=99, stale-if-error=99");
  EXPECT_EQ(freshness.while_revalidate, 10s);
  EXPECT_EQ(freshness.if_error, 1h);  // max_stale
}

// An API whose clock is wrong, or that stands behind a cache, would never be fresh.
TEST_F(Override, CountsFromWhenItWasAsked) {
  delay = 2s;
  EXPECT_EQ(of(std::string(kMinuteAgo) + "Age: 100\r\n").initial_age, 2s);
}

TEST_F(Override, StillBarsCookiesAndVaryStar) {
  EXPECT_FALSE(stored("Set-Cookie: a=b\r\n"));
  EXPECT_FALSE(stored("Vary: *\r\n"));
  EXPECT_FALSE(stored("", 206));
}

TEST_F(Override, LeavesOtherStatusesToTheRfc) {
  policy.negative = {{404, 5s}};
  EXPECT_EQ(of("", 404).lifetime, 5s);
  EXPECT_EQ(control("max-age=9", 404).lifetime, 9s);
  EXPECT_FALSE(control("no-store", 404).store);
  EXPECT_FALSE(stored("", 410));
  EXPECT_FALSE(stored("", 500));
}

TEST_F(Override, StoresNothingForNoTime) {
  policy.ttl = 0s;
  EXPECT_FALSE(control("max-age=60").store);
  EXPECT_TRUE(stored(kETag));
}

// ---------------------------------------------------------------- validators

TEST(Validator, IsAnETagOrADate) {
  auto has = [](const char* fields) { return has_validator(response(fields).headers); };
  EXPECT_TRUE(has("ETag: \"\"\r\n"));
  EXPECT_TRUE(has("ETag: W/\"a\"\r\n"));
  EXPECT_TRUE(has("ETag: unquoted\r\n"));
  EXPECT_TRUE(has("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
  EXPECT_FALSE(has(""));
  EXPECT_FALSE(has("ETag:\r\n"));
  EXPECT_FALSE(has("Last-Modified: yesterday\r\n"));
}

// Sent back, it would make the request one that cannot be sent, for ever.
TEST(Validator, CanBeSentBack) {
  EXPECT_FALSE(has_validator(response("ETag: \"a\rb\"\r\n").headers));
}

TEST(Validator, IsOfUseToASuccess) {
  EXPECT_TRUE(can_be_revalidated(response(kETag, 200)));
  EXPECT_FALSE(can_be_revalidated(response(kETag, 404)));
}

// ---------------------------------------------------------------- sharing

TEST(Sharing, IsBarredByWhatIsMeantForOne) {
  for (const char* fields :
       {"Cache-Control: no-store\r\n", "Cache-Control: private\r\n", "Set-Cookie: a=b\r\n", "Vary: *\r\n"}) {
    EXPECT_FALSE(may_be_shared(response(fields), CacheMode::rfc9111)) << fields;
    EXPECT_FALSE(may_be_shared(response(fields, 404), CacheMode::off)) << fields;
  }
}

// RFC 9111 section 4: what is fresh when it arrives may be given to all who waited for it.
TEST(Sharing, IsNotBarredByNoCacheOrShortLives) {
  for (const char* fields :
       {"", "Cache-Control: no-cache\r\n", "Cache-Control: max-age=0\r\n", "Expires: 0\r\n"}) {
    EXPECT_TRUE(may_be_shared(response(fields), CacheMode::rfc9111)) << fields;
  }
}

TEST(Sharing, IsBarredByCookiesAndVaryStarOnlyWhereOverridden) {
  EXPECT_TRUE(may_be_shared(response("Cache-Control: no-store, private\r\n"), CacheMode::override_ttl));
  EXPECT_FALSE(may_be_shared(response("Set-Cookie: a=b\r\n"), CacheMode::override_ttl));
  EXPECT_FALSE(may_be_shared(response("Vary: *\r\n"), CacheMode::override_ttl));
}

// A thousand who wait must not ask an API each for itself that just said it has too much to do.
TEST(Sharing, IsRightForFailures) {
  EXPECT_TRUE(
      may_be_shared(response("Cache-Control: no-store\r\nSet-Cookie: a=b\r\n", 429), CacheMode::rfc9111));
  EXPECT_TRUE(may_be_shared(response("Cache-Control: private\r\n", 500), CacheMode::rfc9111));
  EXPECT_TRUE(may_be_shared(Response::failed(HttpError()), CacheMode::rfc9111));
}

// ---------------------------------------------------------------- any mix of fields

class Mix {
 public:
  std::string fields() {
    std::string block;
    for (auto count = random_() % 6; count > 0; --count) block += one_of(kFields) + std::string("\r\n");
    return block;
  }
  // A way to say it among others.
  std::string forbidding() {
    std::string list;
    for (auto count = random_() % 3; count > 0; --count) list += one_of(kDirectives) + std::string(", ");
    list += one_of(kForbidding);
    for (auto count = random_() % 3; count > 0; --count) list += std::string(" ,") + one_of(kDirectives);
    if (random_() % 4 == 0) list += std::string(",") + one_of(kBroken);
    return "Cache-Control:" + list + "\r\n";
  }
  CachePolicy policy() {
    CachePolicy made;
    made.stale_if_error = made.stale_while_revalidate = std::chrono::seconds(random_() % 3 * 60);
    if (random_() % 2 == 0) made.negative = {{404, 5s}, {429, 5s}, {503, 5s}, {200, 5s}};
    return made;
  }
  int status() { return kStatuses[random_() % std::size(kStatuses)]; }

 private:
  template <std::size_t kCount>
  const char* one_of(const char* const (&all)[kCount]) {
    return all[random_() % kCount];
  }

  static constexpr const char* kFields[] = {"Cache-Control: public, max-age=60",
                                            "Cache-Control: s-maxage=60",
                                            "Expires: Fri, 31 Dec 9999 23:59:59 GMT",
                                            "ETag: \"1\"",
                                            "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
                                            "Age: 5",
                                            "Cache-Control: x=\"",
                                            "Cache-Control: must-understand",
                                            "Pragma: no-cache",
                                            "Vary: Accept",
                                            "Cache-Control: stale-if-error=60"};
  static constexpr const char* kDirectives[] = {
      "max-age=60", "public",          "x=\"y\"",    "x=\"a, b\"",      "=",
      "",           "s-maxage=\"60\"", "x=\"\\\"\"", "must-understand", "immutable"};
  static constexpr const char* kBroken[] = {"x=\"", "x=\"\\", "max-age=\"60", "\"", "==", "x=\"y\"z"};
  static constexpr const char* kForbidding[] = {"no-store", "NO-STORE",   "private",       "Private=\"X\"",
                                                "private=", "no-store=1", "private=\"X, Y"};
  static constexpr int kStatuses[] = {200, 201, 203, 204, 301, 404, 410, 429, 500, 503};
  std::mt19937_64 random_{19941106};
};

TEST(FreshnessOfAnything, NeverStoresNoStoreOrPrivate) {
  Mix mix;
  int stored_without = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string before = mix.fields(), after = mix.fields(), forbidding = mix.forbidding();
    CachePolicy policy = mix.policy();
    int status = mix.status();
    stored_without += freshness_of(response(before + after, status), policy, 0s, kWall).store ? 1 : 0;
    ASSERT_FALSE(freshness_of(response(before + forbidding + after, status), policy, 0s, kWall).store)
        << status << "\n"
        << before << forbidding << after;
  }
  EXPECT_GT(stored_without, 10'000);
}

}  // namespace
}  // namespace linegate
