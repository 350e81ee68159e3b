// The Checker: same verdicts whatever simdjson says, and minified bytes that are the API's own.
#include "json/checker.h"

#include <gtest/gtest.h>

#include <string>

namespace linegate::json {
namespace {

class CheckerTest : public testing::Test {
 protected:
  // The minified body, or "fault: ...".
  std::string minified(std::string body) {
    Buffer out;
    auto fault = checker_.minify_into(body, out);
    if (!fault) return std::string(out.view());
    EXPECT_TRUE(out.empty());
    return "fault: " + std::string(fault->what);
  }

  bool accepts(std::string body) { return !checker_.check(body); }

  Checker checker_;
};

std::string nested(std::size_t depth, bool objects, std::string_view inner) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += objects ? R"({"a":)" : "[";
  text += inner;
  return text + std::string(depth, objects ? '}' : ']');
}

TEST_F(CheckerTest, DropsWhiteSpaceOutsideStringsOnly) {
  EXPECT_EQ(minified(" { \"a b\" : [ 1 ,\r\n\t2 ] , \"c\" : \" x \\n \" } \n"),
            R"({"a b":[1,2],"c":" x \n "})");
  EXPECT_EQ(minified(" 1 "), "1");
  EXPECT_EQ(minified("\"\\\" \\\\\" "), R"("\" \\")");
}

TEST_F(CheckerTest, KeepsNumbersKeyOrderAndEscapesByteForByte) {
  for (std::string text :
       {R"({"z":3.50,"a":1E+400,"m":-0.0,"a":2})", R"([18446744073709551616,123456789012345678901234567890])",
        R"(["\ud800","\u00e9","\/","é","\uD83D\uDE00"])", R"({"\u0061":1e5,"b":1e-400})"}) {
    EXPECT_EQ(minified(text), text);
  }
}

TEST_F(CheckerTest, LongBodiesOfEveryLengthComeThrough) {
  for (std::size_t n = 0; n < 300; ++n) {
    std::string expected = "{\"k\":\"" + std::string(n, 'v') + "\",\"n\":[1,2]}";
    EXPECT_EQ(minified("{ \"k\" :\n\"" + std::string(n, 'v') + "\" , \"n\" : [ 1 , 2 ] }\n"), expected);
  }
}

TEST_F(CheckerTest, RefusesWhatMinifyAloneWouldLetThrough) {
  for (std::string text : {R"({"a":NaN})", "[01]", R"(["\x"])", "[\"a\nb\"]", "{}x", "{} {}", "[1,]",
                           "[\"\xff\"]", "", " ", "{", "nul", "<html>"}) {
    EXPECT_EQ(minified(text).substr(0, 7), "fault: ") << text;
  }
}

TEST_F(CheckerTest, DropsOneByteOrderMarkOnly) {
  EXPECT_EQ(minified("\xef\xbb\xbf{ }"), "{}");
  EXPECT_FALSE(accepts("\xef\xbb\xbf\xef\xbb\xbf{}"));
  EXPECT_FALSE(accepts("\xef\xbb\xbf"));
  EXPECT_FALSE(accepts("{}\xef\xbb\xbf"));
}

TEST_F(CheckerTest, HoldsTheDepthAtOneThousand) {
  for (bool objects : {false, true}) {
    for (std::string inner : {"1", "[]", "{}"}) {
      std::size_t limit = inner == "1" ? kMaxDepth : kMaxDepth - 1;
      EXPECT_TRUE(accepts(nested(limit, objects, inner))) << inner;
      EXPECT_FALSE(accepts(nested(limit + 1, objects, inner))) << inner;
    }
  }
  EXPECT_FALSE(accepts(std::string(100'000, '[')));
}

TEST_F(CheckerTest, BodiesOverTheDomsCapacityAreCheckedAllTheSame) {
  Checker small(64);
  std::string good = "[" + std::string(1000, ' ') + "1]";
  std::string bad = "[" + std::string(1000, ' ') + "01]";
  EXPECT_FALSE(small.check(good));
  EXPECT_TRUE(small.check(bad));
}

TEST_F(CheckerTest, LeavesTheBodysBytesAlone) {
  std::string body = R"({"a": 1})";
  EXPECT_FALSE(checker_.check(body));
  EXPECT_EQ(body, R"({"a": 1})");
}

TEST_F(CheckerTest, APaddedBodyIsNotMoved) {
  std::string body;
  body.reserve(1000 + kPadding);
  body = "[" + std::string(998, '1') + "]";
  body.reserve(1000 + kPadding);
  const char* before = body.data();
  EXPECT_FALSE(checker_.check(body));
  EXPECT_EQ(body.data(), before);
}

TEST_F(CheckerTest, AppendsBehindWhatIsThere) {
  Buffer out;
  out.append("OK ");
  std::string body = "[ 1 ]";
  EXPECT_FALSE(checker_.minify_into(body, out));
  EXPECT_EQ(out.view(), "OK [1]");
  std::string text = "x";
  EXPECT_FALSE(checker_.minify_into(body, text));
  EXPECT_EQ(text, "x[1]");
}

TEST_F(CheckerTest, AFaultLeavesTheOutputAsItWas) {
  std::string body = "[ 1 ";
  Buffer out;
  out.append("OK ");
  std::string text = "x";
  EXPECT_TRUE(checker_.minify_into(body, out));
  EXPECT_TRUE(checker_.minify_into(body, text));
  EXPECT_EQ(out.view(), "OK ");
  EXPECT_EQ(text, "x");
}

}  // namespace
}  // namespace linegate::json
