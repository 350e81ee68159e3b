// An event that repeats is told once a second, with a count.
#include "daemon/repeated.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linegate::daemon {
namespace {

const Time t0{1h};

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(Repeated, TellsTheFirstAtOnce) {
  Repeated repeated;
  EXPECT_TRUE(repeated.happened("full", t0));
  EXPECT_EQ(repeated.next(), std::nullopt);
}

TEST(Repeated, CountsWithinTheSecond) {
  Repeated repeated;
  repeated.happened("full", t0);
  EXPECT_FALSE(repeated.happened("full", t0 + 999ms));
  EXPECT_EQ(repeated.next(), t0 + 1s);
}

TEST(Repeated, GivesTheCountWhenTheSecondIsOver) {
  Repeated repeated;
  for (int i = 0; i < 6; ++i) repeated.happened("full", t0 + 10ms * i);
  EXPECT_THAT(repeated.take(t0 + 999ms), IsEmpty());
  EXPECT_THAT(repeated.take(t0 + 1s), ElementsAre(Pair("full", 5)));
  EXPECT_THAT(repeated.take(t0 + 2s), IsEmpty());
}

TEST(Repeated, GoesOnCountingAfterACountWasTold) {
  Repeated repeated;
  repeated.happened("full", t0);
  repeated.happened("full", t0);
  repeated.take(t0 + 1s);
  EXPECT_FALSE(repeated.happened("full", t0 + 1500ms));
  EXPECT_EQ(repeated.next(), t0 + 2s);
  EXPECT_THAT(repeated.take(t0 + 2s), ElementsAre(Pair("full", 1)));
}

TEST(Repeated, TellsAgainAfterAPause) {
  Repeated repeated;
  repeated.happened("full", t0);
  EXPECT_TRUE(repeated.happened("full", t0 + 1s));
}

TEST(Repeated, GivesEverythingAtTheEnd) {
  Repeated repeated;
  repeated.happened("full", t0);
  repeated.happened("full", t0);
  EXPECT_THAT(repeated.take(Time::max()), ElementsAre(Pair("full", 1)));
}

TEST(Repeated, KeepsKindsApart) {
  Repeated repeated;
  repeated.happened("full", t0);
  EXPECT_TRUE(repeated.happened("http", t0));
}

}  // namespace
}  // namespace linegate::daemon
