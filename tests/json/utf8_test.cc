// UTF-8: what is valid, where it goes wrong, how it is mended.
#include "json/utf8.h"

#include <gtest/gtest.h>

namespace linegate::json {
namespace {

TEST(Utf8, RoundTripsEveryCodePoint) {
  for (char32_t code = 0; code < 0x110000; ++code) {
    if (code == 0xd800) code = 0xe000;
    std::string text;
    append_code_point(text, code);
    ASSERT_TRUE(is_utf8(text)) << static_cast<unsigned>(code);
    ASSERT_EQ(count_code_points(text), 1u);
  }
}

TEST(Utf8, RefusesOverlongSurrogateCutAndTooLargeForms) {
  for (std::string_view text : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                                "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                "\xfe", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2(\xac"}) {
    EXPECT_EQ(find_invalid_utf8(text), 0u);
    EXPECT_FALSE(is_utf8(std::string(20, 'a') + std::string(text)));
  }
}

TEST(Utf8, FindsTheFirstBadByteBehindLongText) {
  std::string text = std::string(17, 'a') + "\xc3\xa9" + std::string(9, 'b');
  EXPECT_EQ(find_invalid_utf8(text), text.size());
  EXPECT_EQ(find_invalid_utf8(text + "\x80zz"), text.size());
}

TEST(Utf8, MendsEachBadByte) {
  EXPECT_EQ(make_utf8("ok"), "ok");
  EXPECT_EQ(make_utf8("a\xff\xfe\x62"), "a\xef\xbf\xbd\xef\xbf\xbd\x62");
  EXPECT_EQ(make_utf8("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Utf8, CountsCodePointsNotBytes) {
  EXPECT_EQ(count_code_points("S\xc3\xa3o \xf0\x9f\x98\x80"), 5u);
}

}  // namespace
}  // namespace linegate::json
