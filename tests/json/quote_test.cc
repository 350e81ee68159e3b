// Written JSON: always valid, always one line.
#include "json/quote.h"

#include <gtest/gtest.h>

#include <limits>

#include "json/scan.h"
#include "json/utf8.h"
#include "json/validate.h"

namespace linegate::json {
namespace {

TEST(Quote, EscapesWhatJsonMustAndNothingElse) {
  EXPECT_EQ(quoted("plain/\x7f"), "\"plain/\x7f\"");
  EXPECT_EQ(quoted("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(quoted("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(quoted(std::string_view("\0\x1f\x1b", 3)), R"("\u0000\u001f\u001b")");
  EXPECT_EQ(quoted("S\xc3\xa3o"), "\"S\xc3\xa3o\"");
}

TEST(Quote, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(quoted("a\xff\"b"), "\"a\xef\xbf\xbd\\\"b\"");
}

TEST(Quote, AnyByteMakesAValidStringThatMeansTheSame) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string text = "x" + std::string(1, static_cast<char>(byte)) + "y";
    std::string raw = json::quoted(text);  // std::quoted would be found too
    EXPECT_FALSE(validate(raw, 0)) << byte;
    EXPECT_EQ(raw.find('\n'), raw.npos);
    EXPECT_EQ(unescape(raw), make_utf8(text)) << byte;
  }
}

TEST(Quote, WritesObjectsOfEveryKindOfMember) {
  Object object;
  object.text("t", "x\ny").raw("r", "[1]").number("n", -7).real("f", 212.44).flag("b", true).null("z");
  EXPECT_EQ(object.take(), R"({"t":"x\ny","r":[1],"n":-7,"f":212.4,"b":true,"z":null})");
  EXPECT_EQ(object.take(), "{}");
}

TEST(Quote, WritesNumbersThatAreJson) {
  double largest = std::numeric_limits<double>::max();
  std::string text = Object().real("a", largest, 3).real("b", -0.04, 1).real("c", 5, 0).take();
  EXPECT_FALSE(validate(text, 1)) << text;
  EXPECT_EQ(Object().real("x", std::numeric_limits<double>::infinity()).take(), R"({"x":null})");
  EXPECT_EQ(Object().number("x", std::numeric_limits<long long>::min()).take(),
            R"({"x":-9223372036854775808})");
}

TEST(Quote, EscapesTheNamesOfMembers) {
  EXPECT_EQ(Object().number("a\"b", 1).take(), R"({"a\"b":1})");
}

TEST(Quote, WritesArrays) {
  EXPECT_EQ(Array().take(), "[]");
  EXPECT_EQ(Array().text("a").raw("{}").text("").take(), R"(["a",{},""])");
}

}  // namespace
}  // namespace linegate::json
