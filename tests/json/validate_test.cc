// The validator against RFC 8259: what is JSON, what is not, and what only looks odd.
#include "json/validate.h"

#include <gtest/gtest.h>

#include <string>

namespace linegate::json {
namespace {

using namespace std::string_view_literals;

bool valid(std::string_view text) {
  return !validate(text, 64);
}

std::string nested(std::size_t depth, std::string_view opening, std::string_view closing,
                   std::string_view inner) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += opening;
  text += inner;
  for (std::size_t i = 0; i < depth; ++i) text += closing;
  return text;
}

TEST(Validate, AcceptsEveryKindOfValue) {
  for (auto text : {"null"sv, "true"sv, "false"sv, "0"sv, "\"\""sv, "{}"sv, "[]"sv, " \t\r\n[ ] \n"sv,
                    "[[],{}]"sv, R"({"a":1,"b":[true,null],"c":{"d":"e"}})"sv,
                    R"({ "a" : [ 1 , 2 ] , "" : { } })"sv, R"({"a":1,"a":2})"sv}) {
    EXPECT_TRUE(valid(text)) << text;
  }
}

TEST(Validate, AcceptsNumbersOfAnySize) {
  for (auto text :
       {"-0"sv, "0.0"sv, "-0.5e-7"sv, "3.50"sv, "1E+400"sv, "1e400"sv, "1e-99999999999"sv,
        "18446744073709551616"sv, "-99999999999999999999999999999999999999999"sv, "0e1"sv, "1e00"sv}) {
    EXPECT_TRUE(valid(text)) << text;
  }
}

TEST(Validate, RefusesWhatIsNoNumber) {
  for (auto text :
       {"-"sv,   "+1"sv,  "01"sv,  "-01"sv, "1."sv,   ".5"sv,       "1.e1"sv,      "1e"sv, "1e+"sv, "1e1.5"sv,
        "0x1"sv, "--1"sv, "1_0"sv, "NaN"sv, "-NaN"sv, "Infinity"sv, "-Infinity"sv, "1a"sv, "1 2"sv, "1f"sv}) {
    EXPECT_FALSE(valid(text)) << text;
  }
}

TEST(Validate, AcceptsEveryEscapeAndLoneSurrogates) {
  for (auto text : {R"("\"\\\/\b\f\n\r\t\u0000\uABCD\uabcd")"sv, R"("\ud800")"sv, R"("\udc00\ud800")"sv,
                    R"("\ud83d\ude00")"sv, "\"\x7f\""sv, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""sv,
                    "\"\xf4\x8f\xbf\xbf\""sv, "\"\xe2\x80\xa8\""sv}) {
    EXPECT_TRUE(valid(text)) << text;
  }
}

TEST(Validate, RefusesBadStrings) {
  for (auto text : {"\""sv, "\"a"sv, "\"\\\""sv, "\"\\x41\""sv, "\"\\u12\""sv, "\"\\u12G4\""sv,
                    "\"\\U0041\""sv, "\"\\a\""sv, "'a'"sv, "\"a\tb\""sv, "\"a\nb\""sv, "\"12345678\x1f\""sv,
                    "\"\0\""sv, "\"\\\0\""sv, "\"\\u\""sv, "\"\\"sv, "\"\\u123"sv}) {
    EXPECT_FALSE(valid(text)) << text;
  }
}

TEST(Validate, RefusesWhatIsNotUtf8) {
  for (auto text : {"\"\xff\""sv, "\"\xc0\xaf\""sv, "\"\xed\xa0\x80\""sv, "\"\xf5\x80\x80\x80\""sv,
                    "\"\xc3\""sv, "[\"12345678901234567\x80\"]"sv}) {
    auto fault = validate(text, 64);
    ASSERT_TRUE(fault) << text;
    EXPECT_EQ(fault->what, kNotUtf8);
  }
}

TEST(Validate, RefusesBadStructure) {
  for (auto text : {""sv,
                    " "sv,
                    "{"sv,
                    "["sv,
                    "}"sv,
                    "]"sv,
                    "[1"sv,
                    "[1,"sv,
                    "[1,]"sv,
                    "[,1]"sv,
                    "[,]"sv,
                    "[1 2]"sv,
                    "[1}"sv,
                    "{]"sv,
                    R"({"a"})"sv,
                    R"({"a":})"sv,
                    R"({"a":1,})"sv,
                    R"({,"a":1})"sv,
                    R"({"a" 1})"sv,
                    R"({a:1})"sv,
                    R"({1:1})"sv,
                    R"({"a":1 "b":2})"sv,
                    R"({"a":1;"b":2})"sv,
                    "{}x"sv,
                    "{}{}"sv,
                    "[1]]"sv,
                    "tru"sv,
                    "truex"sv,
                    "True"sv,
                    "nul"sv,
                    "[true false]"sv,
                    "1,"sv,
                    "//c\n1"sv,
                    "[1/**/]"sv,
                    "1\0"sv,
                    "\0"sv,
                    "\f1"sv,
                    "\v1"sv,
                    "\xc2\xa0"sv,
                    R"({"a":1}})"sv,
                    "[\"a\""sv,
                    ":"sv,
                    "[1:2]"sv,
                    R"({"a"})"sv,
                    R"(["a":1])"sv}) {
    EXPECT_FALSE(valid(text)) << text;
  }
}

TEST(Validate, RefusesAByteOrderMark) {
  EXPECT_FALSE(valid("\xef\xbb\xbf{}"));
}

TEST(Validate, TellsWhereAndWhy) {
  auto fault = validate(R"({"a":1,})", 64);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->offset, 7u);
  EXPECT_EQ(fault->what, "expected a member's name in quotes");
  EXPECT_EQ(validate("[1,2", 64)->what, "it ends too early");
  EXPECT_EQ(validate("[1,2", 64)->offset, 4u);
  EXPECT_EQ(validate("\"a\xff\"", 64)->offset, 2u);
}

TEST(Validate, HoldsTheDepthExactly) {
  EXPECT_FALSE(validate("1", 0));
  EXPECT_TRUE(validate("[]", 0));
  EXPECT_FALSE(validate(nested(64, "[", "]", ""), 64));
  EXPECT_TRUE(validate(nested(65, "[", "]", ""), 64));
  EXPECT_FALSE(validate(nested(64, R"({"a":)", "}", "1"), 64));
  EXPECT_TRUE(validate(nested(65, R"({"a":)", "}", "1"), 64)->too_deep);
}

TEST(Validate, SiblingsDoNotAddToTheDepth) {
  EXPECT_FALSE(validate("[[1],[2],{\"a\":[3]},[[]]]", 3));
}

TEST(Validate, AMillionLevelsNeedNoStack) {
  EXPECT_TRUE(validate(std::string(1'000'000, '['), 1'000'000));
  EXPECT_FALSE(validate(nested(1'000'000, "[", "]", "0"), 1'000'000));
}

TEST(Validate, EveryPrefixOfADocumentIsRefused) {
  std::string_view text = R"({"a":[1.5e3,"x\u00e9\n",true,false,null,{}],"b":{"c":-0}})";
  ASSERT_TRUE(valid(text));
  for (std::size_t n = 0; n < text.size(); ++n) EXPECT_FALSE(valid(text.substr(0, n))) << n;
}

TEST(Validate, FindsAControlCharacterAtEveryPlaceInALongString) {
  for (std::size_t at = 1; at < 40; ++at) {
    std::string text = "\"" + std::string(40, 'x') + "\"";
    text[at] = '\x01';
    auto fault = validate(text, 1);
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->offset, at);
  }
}

}  // namespace
}  // namespace linegate::json
