// Cursors over validated JSON, and what its strings mean.
#include "json/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace linegate::json {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::pair<std::string, std::string>> members(std::string_view object) {
  std::vector<std::pair<std::string, std::string>> all;
  for (Members m(object); m.next();) all.emplace_back(m.key(), m.value());
  return all;
}

std::vector<std::string> elements(std::string_view array) {
  std::vector<std::string> all;
  for (Elements e(array); e.next();) all.emplace_back(e.value());
  return all;
}

TEST(Scan, TellsTheKindOfAValue) {
  EXPECT_EQ(kind(" {}"), Kind::object);
  EXPECT_EQ(kind("\t[1]"), Kind::array);
  EXPECT_EQ(kind("\"x\""), Kind::string);
  EXPECT_EQ(kind("-1"), Kind::number);
  EXPECT_EQ(kind("0"), Kind::number);
  EXPECT_EQ(kind("true"), Kind::boolean);
  EXPECT_EQ(kind("false"), Kind::boolean);
  EXPECT_EQ(kind("null"), Kind::null);
}

TEST(Scan, ShowsMembersRawAndInOrder) {
  EXPECT_THAT(members(R"( { "b" : 1.50 , "a":"x,}\"" ,"b":{"c":[1,{"d":"]"}]},"n" :null } )"),
              ElementsAre(Pair("\"b\"", "1.50"), Pair("\"a\"", R"("x,}\"")"),
                          Pair("\"b\"", R"({"c":[1,{"d":"]"}]})"), Pair("\"n\"", "null")));
  EXPECT_THAT(members("{}"), IsEmpty());
  EXPECT_THAT(members(" { } "), IsEmpty());
}

TEST(Scan, ShowsElementsRawAndInOrder) {
  EXPECT_THAT(elements(R"([ 1 ,"a,\\",[2,[3]] , {"x":1},true,null ])"),
              ElementsAre("1", R"("a,\\")", "[2,[3]]", R"({"x":1})", "true", "null"));
  EXPECT_THAT(elements("[ ]"), IsEmpty());
}

TEST(Scan, OfAnotherKindShowsNothing) {
  EXPECT_THAT(members("[1]"), IsEmpty());
  EXPECT_THAT(elements(R"({"a":1})"), IsEmpty());
  EXPECT_THAT(members("1"), IsEmpty());
}

TEST(Scan, OnInvalidTextItEndsAndStaysInside) {
  for (std::string_view text :
       {"",  "{",   "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":[", "{\"a\\", "{,,", "{\"a\" \"b\" \"c\"",
        "[", "[,,", "[[",  "[\"",  "[\"\\",  "[1",      "[:",       "]",      "}",   "[]]",
        "[}"}) {
    std::string copy(text);  // on the heap, so that a sanitizer sees a read outside
    copy.shrink_to_fit();
    EXPECT_LE(members(copy).size(), 3u);
    EXPECT_LE(elements(copy).size(), 3u);
    unescape(copy);
  }
}

TEST(Scan, FindsTheFirstMemberOfAName) {
  EXPECT_EQ(find(R"({"a":1,"\u0062":2,"b":3})", "b"), "2");
  EXPECT_EQ(find(R"({"a":1})", "b"), std::nullopt);
  EXPECT_EQ(find("[1]", "b"), std::nullopt);
}

TEST(Scan, TrimsJsonWhiteSpace) {
  EXPECT_EQ(trim(" \t\r\n1 \t\r\n"), "1");
  EXPECT_EQ(trim("  "), "");
}

TEST(Scan, UnescapesEveryForm) {
  using namespace std::string_literals;
  EXPECT_EQ(unescape(R"("")"), "");
  EXPECT_EQ(unescape(R"("plain")"), "plain");
  EXPECT_EQ(unescape(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(unescape(R"("\u0041\u00e9\u20AC\ud83d\ude00z")"), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
  EXPECT_EQ(unescape(R"("a\u0000b")"), "a\0b"s);
  EXPECT_EQ(unescape(R"("\uFFFF\udbff\uDFFF")"), "\xef\xbf\xbf\xf4\x8f\xbf\xbf");
}

TEST(Scan, HalfASurrogatePairHasNoText) {
  for (auto raw : {R"("\ud800")", R"("\udc00")", R"("\ud800x")", R"("\ud800\n")", R"("\ud800\u0041")",
                   R"("\ud800\ud800\udc00")", R"("\udc00\ud800")"}) {
    EXPECT_EQ(unescape(raw), std::nullopt) << raw;
  }
}

TEST(Scan, ComparesKeysByMeaning) {
  EXPECT_TRUE(key_is(R"("id")", "id"));
  EXPECT_TRUE(key_is(R"("\u0069d")", "id"));
  EXPECT_TRUE(key_is(R"("\u0069\u0064")", "id"));
  EXPECT_FALSE(key_is(R"("Id")", "id"));
  EXPECT_FALSE(key_is(R"("id ")", "id"));
  EXPECT_FALSE(key_is(R"("\ud800")", "id"));
  EXPECT_TRUE(key_is(R"("")", ""));
}

}  // namespace
}  // namespace linegate::json
