// "Did you mean": which names are near enough, and in which order.
#include "base/suggest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace linegate {
namespace {

using Words = std::vector<std::string>;
const Words kRoutes = {"weather", "search", "order", "wether2", "weathers"};

TEST(Suggest, FindsAMissingALostAndASwappedLetter) {
  EXPECT_EQ(suggest("wether", Words{"weather"}), Words{"weather"});
  EXPECT_EQ(suggest("weaather", Words{"weather"}), Words{"weather"});
  EXPECT_EQ(suggest("waether", Words{"weather"}), Words{"weather"});
  EXPECT_EQ(suggest("order", Words{"odrer"}), Words{"odrer"});
}

TEST(Suggest, NearestFirstAtMostThree) {
  EXPECT_EQ(suggest("weathers", kRoutes), (Words{"weathers", "weather", "wether2"}));
  EXPECT_EQ(suggest("ab", Words{"aa", "ac", "ad", "ae"}).size(), 3u);
}

TEST(Suggest, EquallyNearNamesKeepTheirOrder) {
  EXPECT_EQ(suggest("ab", Words{"ac", "aa"}), (Words{"ac", "aa"}));
}

TEST(Suggest, ASwapCountsAsOneEdit) {
  EXPECT_EQ(suggest("ab", Words{"ba"}), Words{"ba"});  // two edits would be too many for two letters
}

TEST(Suggest, StopsAtAThirdOfTheWord) {
  EXPECT_EQ(suggest("abcdef", Words{"abcdxy"}), Words{"abcdxy"});
  EXPECT_EQ(suggest("abcdef", Words{"abcxyz"}), Words{});
  EXPECT_EQ(suggest("temperature", Words{"weather"}), Words{});
}

TEST(Suggest, NothingForNothing) {
  EXPECT_EQ(suggest("", kRoutes), Words{});
  EXPECT_EQ(suggest("weather", Words{}), Words{});
}

TEST(Suggest, LongWordsAreNotCompared) {
  std::string longest(64, 'a');
  EXPECT_EQ(suggest(longest, Words{longest}), Words{longest});
  EXPECT_EQ(suggest(longest + "a", Words{longest}), Words{});
  EXPECT_EQ(suggest(longest, Words{longest + "a"}), Words{});
}

}  // namespace
}  // namespace linegate
