// The histogram's places, and what it says of known values.
#include "base/histogram.h"

#include <gtest/gtest.h>

namespace linegate {
namespace {

TEST(Histogram, GivesEachSmallValueItsOwnPlace) {
  for (std::uint64_t v = 0; v < 64; ++v) EXPECT_EQ(Histogram::upper(Histogram::index(v)), v) << v;
}

TEST(Histogram, HoldsEveryValueInThePlaceThatEndsNotBelowIt) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t v :
         {(std::uint64_t{1} << bit) - 1, std::uint64_t{1} << bit, (std::uint64_t{1} << bit) + 1}) {
      EXPECT_GE(Histogram::upper(Histogram::index(v)), v);
      EXPECT_LE(double(Histogram::upper(Histogram::index(v))), double(v) * (1 + 1.0 / 31) + 1);
    }
  }
  EXPECT_LT(Histogram::index(UINT64_MAX), Histogram::kExponents * Histogram::kParts);
  EXPECT_EQ(Histogram::upper(Histogram::index(UINT64_MAX)), UINT64_MAX);
}

TEST(Histogram, PlacesFollowEachOtherWithoutGap) {
  for (std::size_t i = 0; i < 59 * Histogram::kParts; ++i) {
    EXPECT_EQ(Histogram::index(Histogram::upper(i)), i);
    EXPECT_EQ(Histogram::index(Histogram::upper(i) + 1), i + 1);
  }
}

TEST(Histogram, KnowsPercentilesWithinThreePercent) {
  Histogram h;
  for (std::uint64_t v = 1; v <= 100000; ++v) h.add(v);
  EXPECT_NEAR(double(h.at(0.5)), 50000, 50000 * 0.032);
  EXPECT_NEAR(double(h.at(0.99)), 99000, 99000 * 0.032);
  EXPECT_GE(h.at(0.5), 50000u);
  EXPECT_EQ(h.at(1), 100000u);
  EXPECT_EQ(h.max(), 100000u);
  EXPECT_EQ(h.min(), 1u);
  EXPECT_DOUBLE_EQ(h.mean(), 50000.5);
}

TEST(Histogram, ShowsOneStallAmongAThousandAtItsPlace) {
  Histogram h;
  for (int i = 0; i < 998; ++i) h.add(10);
  h.add(5'000'000);
  h.add(5'000'000);
  EXPECT_EQ(h.at(0.99), 10u);
  EXPECT_EQ(h.at(0.999), 5'000'000u);
}

TEST(Histogram, KnowsPercentilesOfTwoTogether) {
  Histogram low;
  Histogram high;
  for (std::uint64_t v = 1; v <= 20; ++v) low.add(v);
  for (std::uint64_t v = 1001; v <= 1020; ++v) high.add(v);
  EXPECT_EQ(low.at(0.5, &high), 20u);
  EXPECT_EQ(high.at(0.5, &low), 20u);
  EXPECT_GT(low.at(0.525, &high), 1000u);
  EXPECT_EQ(low.at(1, &high), 1020u);
  EXPECT_EQ(high.at(0, &low), 1u);
}

TEST(Histogram, TogetherWithAnEmptyOneSaysWhatItSaysAlone) {
  Histogram h;
  const Histogram empty;
  for (std::uint64_t v = 1; v <= 20; ++v) h.add(v);
  EXPECT_EQ(h.at(0.95, &empty), 19u);
  EXPECT_EQ(empty.at(0.95, &h), 19u);
  EXPECT_EQ(empty.at(0.95, &empty), 0u);
}

TEST(Histogram, NeverSaysMoreThanItsGreatestValue) {
  Histogram h;
  h.add(1'000'001);  // not the end of its part
  EXPECT_EQ(h.at(0.5), 1'000'001u);
  EXPECT_EQ(h.at(1), 1'000'001u);
}

TEST(Histogram, SaysZeroWhenEmptyAndAfterClear) {
  Histogram h;
  h.add(7);
  h.clear();
  EXPECT_EQ(h.count(), 0u);
  EXPECT_EQ(h.at(0.5), 0u);
  EXPECT_EQ(h.min(), 0u);
  EXPECT_EQ(h.max(), 0u);
  EXPECT_EQ(h.mean(), 0);
}

}  // namespace
}  // namespace linegate
