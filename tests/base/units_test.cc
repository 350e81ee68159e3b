// Durations and sizes as people write them.
#include "base/units.h"

#include <gtest/gtest.h>

#include <string>

namespace linegate {
namespace {

TEST(ParseDuration, KnowsItsUnits) {
  EXPECT_EQ(parse_duration("7us"), 7us);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("8s"), 8s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(ParseDuration, TakesFractions) {
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("0.25ms"), 250us);
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text : {"", "s", "5", "5 s", " 5s", "5s ", "-5s", "+5s", "5S", "5sec", ".5s", "5.s",
                           "1.2.3s", "1e3s", "0x5s", "infs", "nans", "5d", "1,5s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(ParseDuration, EndsAtAYear) {
  EXPECT_EQ(parse_duration("8784h"), 8784h);
  EXPECT_EQ(parse_duration("8785h"), std::nullopt);
  EXPECT_EQ(parse_duration("1" + std::string(400, '0') + "s"), std::nullopt);
}

TEST(ParseSize, KnowsItsUnits) {
  EXPECT_EQ(parse_size("0B"), 0u);
  EXPECT_EQ(parse_size("7B"), 7u);
  EXPECT_EQ(parse_size("3KB"), 3'000u);
  EXPECT_EQ(parse_size("3MB"), 3'000'000u);
  EXPECT_EQ(parse_size("3GB"), 3'000'000'000u);
  EXPECT_EQ(parse_size("64KiB"), 65'536u);
  EXPECT_EQ(parse_size("4MiB"), 4'194'304u);
  EXPECT_EQ(parse_size("2GiB"), 2'147'483'648u);
}

TEST(ParseSize, RefusesEverythingElse) {
  for (const char* text :
       {"", "KB", "5", "5 KB", "-5B", "+5B", "5kb", "5K", "1.5KiB", "5TB", "0x5B", "5B "}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(ParseSize, EndsWhereADoubleStillCounts) {
  EXPECT_EQ(parse_size("9007199254740992B"), std::uint64_t{1} << 53);
  EXPECT_EQ(parse_size("9007199254740993B"), std::nullopt);
  EXPECT_EQ(parse_size("8388608GiB"), std::uint64_t{1} << 53);
  EXPECT_EQ(parse_size("8388609GiB"), std::nullopt);
  EXPECT_EQ(parse_size("18446744073709551616B"), std::nullopt);
}

TEST(ToText, IsTheShortestExactForm) {
  EXPECT_EQ(to_text(800ms), "800 ms");
  EXPECT_EQ(to_text(5s), "5 s");
  EXPECT_EQ(to_text(1500ms), "1500 ms");
  EXPECT_EQ(to_text(1500us), "1500 us");
  EXPECT_EQ(to_text(0s), "0 ms");
  EXPECT_EQ(to_text(1h), "3600 s");
}

}  // namespace
}  // namespace linegate
