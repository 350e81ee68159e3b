// Header fields, both ways.
#include "http/headers.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

namespace linegate {
namespace {

Headers block(const char* text) {
  Headers headers;
  headers.append_line(text);
  return headers;
}

TEST(Headers, TakeAFoldedLineForNoField) {
  Headers headers;
  headers.append_line("A: 1\r\n");
  headers.append_line(" Set-Cookie: 2\r\n");
  headers.append_line("\tB: 3\r\n");
  EXPECT_FALSE(headers.get("Set-Cookie"));
  EXPECT_FALSE(headers.get("B"));
  int fields = 0;
  headers.for_each([&](std::string_view, std::string_view) { ++fields; });
  EXPECT_EQ(fields, 1);
}

TEST(Headers, TakeAFieldWithSpaceBehindItsName) {
  Headers headers;
  headers.append_line("Cache-Control : no-store\r\n");
  EXPECT_EQ(headers.get("cache-control"), "no-store");
  EXPECT_EQ(headers.get_all("Cache-Control").size(), 1u);
  EXPECT_FALSE(headers.get("Cache"));
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

TEST(Headers, UpdateReplacesAllFieldsOfTheSameName) {
  Headers headers = block("ETag: \"1\"\r\nLink: a\r\nX-Kept: yes\r\nlink: b\r\n");
  headers.update(block("LINK: c\r\nX-New: 1\r\nLink: d\r\n"));
  EXPECT_EQ(headers.raw(), "ETag: \"1\"\r\nX-Kept: yes\r\nLINK: c\r\nX-New: 1\r\nLink: d\r\n");
}

// A 304 with "Content-Length: 0" or its own Content-Type must not relabel the stored body.
TEST(Headers, UpdateLeavesWhatDescribesTheBody) {
  const char* body =
      "Content-Type: application/json\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\nContent-Range: x\r\n";
  Headers headers = block(body);
  headers.update(
      block("content-type: text/html\r\nContent-Length: 0\r\nContent-Encoding: br\r\nContent-Range: y\r\n"));
  EXPECT_EQ(headers.raw(), body);
  headers.clear();
  headers.update(block("Content-Type: text/html\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_EQ(headers.raw(), "");
}

// An old Date or Age would make a response stale that was confirmed just now.
TEST(Headers, UpdateForgetsWhenTheOlderMessageWasMade) {
  Headers headers = block("Date: old\r\nAge: 100\r\nX: y\r\n");
  headers.update(block("Date: new\r\n"));
  EXPECT_EQ(headers.raw(), "X: y\r\nDate: new\r\n");
}

TEST(Headers, UpdateWithNothingKeepsTheRest) {
  Headers headers = block("X: y\r\nEmpty:\r\n");
  headers.update(Headers());
  EXPECT_EQ(headers.get("X"), "y");
  EXPECT_EQ(headers.get("Empty"), "");
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

// A list's address can be that of one that is gone; answers of the one must not be taken for the other's.
TEST(HeaderList, NeverHasTheIdOfAnother) {
  std::set<std::uint64_t> ids;
  for (int i = 0; i < 100; ++i) ids.insert(HeaderList(Fields{{"X", "y"}}).id());
  EXPECT_EQ(ids.size(), 100u);
  EXPECT_EQ(ids.count(0), 0u);
}

}  // namespace
}  // namespace linegate
