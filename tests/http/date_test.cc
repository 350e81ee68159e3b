// Times in header fields.
#include "http/date.h"

#include <gtest/gtest.h>

namespace linegate {
namespace {

constexpr std::int64_t kExample = 784111777;  // RFC 9110's: Sun, 06 Nov 1994 08:49:37 GMT

TEST(HttpDate, IsReadInAllThreeForms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kExample);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), kExample);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), kExample);
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994"), kExample + 10 * 24 * 3600);
}

TEST(HttpDate, IsReadInAnyCase) {
  EXPECT_EQ(parse_http_date("SUN, 06 nov 1994 08:49:37 gmt"), kExample);
}

TEST(HttpDate, ReachesFromTheYear0To9999) {
  EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT"), 253402300799);
  EXPECT_EQ(parse_http_date("Sat, 01 Jan 0000 00:00:00 GMT"), -62167219200);
}

TEST(HttpDate, OfTwoDigitsIsFrom1970To2069) {
  EXPECT_EQ(parse_http_date("Thursday, 01-Jan-70 00:00:00 GMT"), 0);
  EXPECT_EQ(parse_http_date("Tuesday, 31-Dec-69 23:59:59 GMT"), 3155759999);
}

TEST(HttpDate, KnowsLeapDaysAndLeapSeconds) {
  EXPECT_EQ(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT"), 1709164800);
  EXPECT_EQ(parse_http_date("Wed, 29 Feb 2023 00:00:00 GMT"), std::nullopt);
  EXPECT_EQ(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800);
  EXPECT_EQ(parse_http_date("Sat, 31 Dec 2016 23:59:61 GMT"), std::nullopt);
}

TEST(HttpDate, IsNothingElse) {
  for (const char* text : {"",
                           "0",
                           "-1",
                           "soon",
                           "1994-11-06T08:49:37Z",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 CET",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           "Sun, 06 Nov 1994 08:49:37 GMTx",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 94 08:49:37 GMT",
                           "Sun, 06 Nox 1994 08:49:37 GMT",
                           "Son, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT",
                           "Sun, 31 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:60:00 GMT",
                           "Sun, 06 Nov -994 08:49:37 GMT",
                           "Sun, +6 Nov 1994 08:49:37 GMT",
                           "Sun Nov 6 08:49:37 1994",
                           "Sunday, 06-Nov-1994 08:49:37 GMT"}) {
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
  }
}

TEST(RetryAfter, ReadsSeconds) {
  EXPECT_EQ(parse_retry_after("120", 0), 120s);
  EXPECT_EQ(parse_retry_after("0", 0), 0s);
}

TEST(RetryAfter, ReadsADate) {
  EXPECT_EQ(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", 1445412470), 10s);
  EXPECT_EQ(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", 1445412480), 0s);
}

// A client that subtracted such a wait would retry at once, and again (axios-retry #72).
TEST(RetryAfter, InThePastIsZero) {
  EXPECT_EQ(parse_retry_after("-5", 0), 0s);
  EXPECT_EQ(parse_retry_after("-99999999999999999999", 0), 0s);
  EXPECT_EQ(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", 1445412490), 0s);
}

TEST(RetryAfter, IsAtMost366Days) {
  EXPECT_EQ(parse_retry_after("31622400", 0), 366 * 24h);
  EXPECT_EQ(parse_retry_after("31622401", 0), 366 * 24h);
  EXPECT_EQ(parse_retry_after("99999999999999999999", 0), 366 * 24h);
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", 0), 366 * 24h);
}

TEST(RetryAfter, IgnoresEverythingElse) {
  for (const char* text : {"", "-", "--1", "+5", "1.5", "5s", "soon", "0x10", " 5"}) {
    EXPECT_EQ(parse_retry_after(text, 0), std::nullopt) << text;
  }
}

TEST(DeltaSeconds, AreDigitsAndNothingElse) {
  EXPECT_EQ(parse_delta_seconds("0"), 0s);
  EXPECT_EQ(parse_delta_seconds("0060"), 60s);
  for (const char* text : {"", "-1", "+1", "1.0", "1 ", "a", "1a"}) {
    EXPECT_EQ(parse_delta_seconds(text), std::nullopt) << text;
  }
}

TEST(DeltaSeconds, AreAtMostTwoToThe31) {
  EXPECT_EQ(parse_delta_seconds("2147483647"), std::chrono::seconds(2147483647));
  EXPECT_EQ(parse_delta_seconds("2147483649"), std::chrono::seconds(2147483648));
  EXPECT_EQ(parse_delta_seconds("99999999999999999999999"), std::chrono::seconds(2147483648));
}

}  // namespace
}  // namespace linegate
