// What foreign bytes look like in a log line.
#include "base/printable.h"

#include <gtest/gtest.h>

namespace linegate {
namespace {

TEST(Printable, LeavesPlainAsciiAlone) {
  EXPECT_EQ(printable("weather oslo ~!"), "weather oslo ~!");
}

TEST(Printable, EscapesWhatCouldForgeALogLine) {
  EXPECT_EQ(printable("a\nb\rc\td"), "a\\nb\\rc\\td");
  EXPECT_EQ(printable("say \"hi\" \\"), "say \\\"hi\\\" \\\\");
  EXPECT_EQ(printable(std::string_view("\0\x1b[31m\x7f", 7)), "\\x00\\x1b[31m\\x7f");
  EXPECT_EQ(printable("\xc3\xa9\xff"), "\\xc3\\xa9\\xff");
}

TEST(Printable, CutsAtTheLimitAndSaysSo) {
  EXPECT_EQ(printable("abcd", 4), "abcd");
  EXPECT_EQ(printable("abcde", 4), "abcd...");
  EXPECT_EQ(printable("\n\n\n", 2), "\\n\\n...");
  EXPECT_EQ(printable("a", 0), "...");
  EXPECT_EQ(printable("", 0), "");
}

TEST(CutUtf8, CutsBetweenCodePoints) {
  EXPECT_EQ(cut_utf8("caf\xc3\xa9", 5), "caf\xc3\xa9");
  EXPECT_EQ(cut_utf8("caf\xc3\xa9", 4), "caf");
  EXPECT_EQ(cut_utf8("\xf0\x9f\x8c\xa7!", 4), "\xf0\x9f\x8c\xa7");
  for (std::size_t max : {0, 1, 2, 3}) EXPECT_EQ(cut_utf8("\xf0\x9f\x8c\xa7!", max), "") << max;
  EXPECT_EQ(cut_utf8("", 3), "");
}

}  // namespace
}  // namespace linegate
