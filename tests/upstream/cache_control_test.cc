// Cache-Control as it comes: in any case, quoted, twice, broken.
#include "upstream/cache_control.h"

#include <gtest/gtest.h>

#include <string>

namespace linegate {
namespace {

CacheControl parse(const std::string& value) {
  Headers headers;
  headers.append_line("cache-CONTROL: " + value + "\r\n");
  return parse_cache_control(headers);
}

TEST(CacheControl, IsAbsentWithoutItsField) {
  Headers headers;
  headers.append_line("X-Cache-Control: no-store\r\n");
  EXPECT_FALSE(parse_cache_control(headers).present);
  EXPECT_FALSE(parse_cache_control(headers).no_store);
}

TEST(CacheControl, IsPresentEvenIfItSaysNothing) {
  EXPECT_TRUE(parse("").present);
  EXPECT_FALSE(parse(",, ,").no_store);
}

TEST(CacheControl, KnowsItsDirectivesInAnyCase) {
  EXPECT_TRUE(parse("No-Store").no_store);
  EXPECT_TRUE(parse("NO-CACHE").no_cache);
  EXPECT_TRUE(parse("Private").is_private);
  EXPECT_TRUE(parse("must-revalidate").never_stale);
  EXPECT_TRUE(parse("proxy-revalidate").never_stale);
  EXPECT_EQ(parse("MAX-AGE=60").max_age, 60s);
  EXPECT_EQ(parse("s-maxage=61").s_maxage, 61s);
  EXPECT_EQ(parse("stale-while-revalidate=62").stale_while_revalidate, 62s);
  EXPECT_EQ(parse("stale-if-error=63").stale_if_error, 63s);
}

// RFC 9111 section 5.2.2.10.
TEST(CacheControl, TakesSMaxageForProxyRevalidateToo) {
  EXPECT_FALSE(parse("s-maxage=60").never_stale);
  EXPECT_FALSE(parse("max-age=60").never_stale);
}

TEST(CacheControl, FindsEachDirectiveOfAList) {
  CacheControl control = parse(" public ,max-age=5\t, ,no-cache,x=y , stale-if-error = 9 ,private");
  EXPECT_EQ(control.max_age, 5s);
  EXPECT_TRUE(control.no_cache);
  EXPECT_EQ(control.stale_if_error, 9s);
  EXPECT_TRUE(control.is_private);
  EXPECT_FALSE(control.no_store);
}

TEST(CacheControl, AddsUpSeveralFields) {
  Headers headers;
  headers.append_line("Cache-Control: max-age=60\r\nX: y\r\nCache-Control: private\r\n");
  EXPECT_EQ(parse_cache_control(headers).max_age, 60s);
  EXPECT_TRUE(parse_cache_control(headers).is_private);
}

TEST(CacheControl, TakesTheSmallerOfTwo) {
  EXPECT_EQ(parse("max-age=60, max-age=10").max_age, 10s);
  EXPECT_EQ(parse("max-age=10, max-age=60").max_age, 10s);
  EXPECT_EQ(parse("s-maxage=60, s-maxage=x").s_maxage, 0s);
}

// RFC 9111 section 4.2.1: invalid freshness is none. A cache that skipped "max-age=-1" would use Expires.
TEST(CacheControl, TakesWhatIsNoNumberForZero) {
  for (const char* value : {"max-age", "max-age=", "max-age=-1", "max-age=1.5", "max-age=soon",
                            "max-age=\"\"", "max-age=60s", "max-age=6 0", "max-age=\"60"}) {
    EXPECT_EQ(parse(value).max_age, 0s) << value;
  }
}

TEST(CacheControl, CapsWhatIsTooLarge) {
  EXPECT_EQ(parse("max-age=99999999999999999999").max_age, std::chrono::seconds(std::int64_t{1} << 31));
}

TEST(CacheControl, ReadsQuotedNumbers) {
  EXPECT_EQ(parse("max-age=\"60\", no-store").max_age, 60s);
  EXPECT_TRUE(parse("max-age=\"60\", no-store").no_store);
}

TEST(CacheControl, TakesWhatIsLimitedToFieldsForAll) {
  EXPECT_TRUE(parse("private=\"Set-Cookie\"").is_private);
  EXPECT_TRUE(parse("no-cache=\"Set-Cookie, X\", max-age=60").no_cache);
  EXPECT_TRUE(parse("no-cache=X").no_cache);
}

TEST(CacheControl, FindsNothingWithinQuotes) {
  CacheControl control = parse(R"(x="no-store, \", private", max-age=7)");
  EXPECT_FALSE(control.no_store);
  EXPECT_FALSE(control.is_private);
  EXPECT_EQ(control.max_age, 7s);
}

TEST(CacheControl, IsNotHiddenByAQuoteThatNeverCloses) {
  EXPECT_TRUE(parse("x=\"y, no-store").no_store);
  EXPECT_TRUE(parse("x=\"y\\\", no-store").no_store);
  EXPECT_TRUE(parse("x=\", private").is_private);
  EXPECT_TRUE(parse("x=\"y\"z, private").is_private);
}

TEST(CacheControl, KnowsNoDirectiveByAPartOfItsName) {
  CacheControl control = parse("no-stores, xprivate, private-x, no-cache2, x-max-age=5");
  EXPECT_FALSE(control.no_store || control.is_private || control.no_cache || control.max_age);
}

}  // namespace
}  // namespace linegate
