// The open loop's intended times.
#include "load/schedule.h"

#include <gtest/gtest.h>

namespace bench {
namespace {

TEST(Schedule, SpacesRequestsEvenlyFromTheStart) {
  const Schedule schedule(1000, 5'000'000);
  EXPECT_EQ(schedule.intended(0), 5'000'000u);
  EXPECT_EQ(schedule.intended(1), 6'000'000u);
  EXPECT_EQ(schedule.intended(1000), 1'005'000'000u);
}

TEST(Schedule, GivesNothingBeforeItIsDue) {
  Schedule schedule(1000, 5'000'000);
  EXPECT_FALSE(schedule.take(4'999'999));
  EXPECT_TRUE(schedule.take(5'000'000));
  EXPECT_FALSE(schedule.take(5'999'999));
  EXPECT_EQ(schedule.taken(), 1u);
}

TEST(Schedule, CatchesUpAfterAStallWithTheTimesThatWereMeant) {
  Schedule schedule(1000, 0);
  int taken = 0;
  while (schedule.take(10'000'000)) ++taken;
  EXPECT_EQ(taken, 11);
  EXPECT_EQ(schedule.next(), 11'000'000u);
}

TEST(Schedule, DoesNotDriftAtARateThatDividesNoSecond) {
  const Schedule schedule(3, 0);
  EXPECT_EQ(schedule.intended(3 * 3600), 3600'000'000'000u);
}

}  // namespace
}  // namespace bench
