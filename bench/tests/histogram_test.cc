// The histogram's places, and what it says of known values.
#include "load/histogram.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace bench {
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

TEST(Histogram, ShowsEachPlaceThatHasValues) {
  Histogram h;
  for (std::uint64_t value : {5u, 5u, 31u, 1000u}) h.add(value);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> seen;
  h.each([&](std::uint64_t upper, std::uint64_t count) { seen.emplace_back(upper, count); });
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0], std::pair(std::uint64_t{5}, std::uint64_t{2}));
  EXPECT_EQ(seen[1], std::pair(std::uint64_t{31}, std::uint64_t{1}));
  EXPECT_GE(seen[2].first, 1000u);
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
}  // namespace bench
