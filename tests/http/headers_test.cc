// Header fields, both ways.
#include "http/headers.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace linegate {
namespace {

Headers block(const char* text) {
  Headers headers;
  headers.append_line(text);
  return headers;
}

TEST(Headers, AreFoundInAnyCaseAndTrimmed) {
  Headers headers = block("Content-Type:  application/json \r\nX-Empty:\r\nETag: \"a:b\"\n");
  EXPECT_EQ(headers.get("content-type"), "application/json");
  EXPECT_EQ(headers.get("X-EMPTY"), "");
  EXPECT_EQ(headers.get("etag"), "\"a:b\"");
  EXPECT_FALSE(headers.get("Content"));
  EXPECT_FALSE(headers.get(""));
}

TEST(Headers, KeepRepetitionsInOrder) {
  Headers headers = block("Link: a\r\nX: y\r\nlink: b\r\n");
  EXPECT_EQ(headers.get("Link"), "a");
  EXPECT_EQ(headers.get_all("LINK"), (std::vector<std::string_view>{"a", "b"}));
  int count = 0;
  headers.for_each([&](std::string_view, std::string_view) { ++count; });
  EXPECT_EQ(count, 3);
}

TEST(Headers, SurviveNonsense) {
  Headers headers = block("no colon\r\n: no name\r\n\r\nlast: one");
  EXPECT_EQ(headers.get("last"), "one");
  EXPECT_FALSE(headers.get("no colon"));
}

TEST(HeaderField, MustBeATokenAndOneLine) {
  EXPECT_TRUE(valid_field("X-Api-Key", "a b\tc\xc3\xa9"));
  EXPECT_TRUE(valid_field("!#$%&'*+-.^_`|~1a", ""));
  for (const char* name : {"", "a b", "a:", "a\r", "\xc3\xa9", "(x)"})
    EXPECT_FALSE(valid_field(name, "v")) << name;
  EXPECT_FALSE(valid_field("X", "a\rb"));
  EXPECT_FALSE(valid_field("X", "a\nb"));
  EXPECT_FALSE(valid_field("X", std::string_view("a\0b", 3)));
}

TEST(HeaderField, MustNotTouchTheFraming) {
  for (const char* name :
       {"content-length", "Transfer-Encoding", "Connection", "Upgrade", "te", "Expect", "Keep-Alive"}) {
    EXPECT_FALSE(valid_field(name, "x")) << name;
  }
}

TEST(HeaderList, RefusesAFieldThatCannotBeSent) {
  EXPECT_THROW(HeaderList(Fields{{"X", "a\r\nb"}}), std::invalid_argument);
}

}  // namespace
}  // namespace linegate
