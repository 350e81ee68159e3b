// The words of `linegate call` as a line, each also read back by the server's own parser.
#include "daemon/call_line.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "wire/parse.h"

namespace linegate::daemon {
namespace {

using Words = std::vector<std::string>;

std::string line(const Words& words) {
  CallLine call = make_call_line(words);
  EXPECT_EQ(call.error, "");
  return call.line;
}

TEST(CallLine, PlainWordsStayAsTheyAre) {
  EXPECT_EQ(line({"weather", "oslo", "metric"}), "weather oslo metric");
  EXPECT_EQ(line({"ping"}), "ping");
}

TEST(CallLine, AWordWithABlankIsQuoted) {
  EXPECT_EQ(line({"weather", "São Paulo"}), "weather \"São Paulo\"");
  EXPECT_EQ(line({"weather", "a\tb"}), "weather \"a\\tb\"");
}

TEST(CallLine, OfANamedArgumentOnlyTheValueIsQuoted) {
  EXPECT_EQ(line({"weather", "city=New York", "@meta"}), "weather city=\"New York\" @meta");
  EXPECT_EQ(line({"weather", "city=oslo"}), "weather city=oslo");
  EXPECT_EQ(line({"weather", "city="}), "weather city=\"\"");
  EXPECT_EQ(line({"search", "q=a=b c"}), "search q=\"a=b c\"");
}

TEST(CallLine, WhatIsNoNameBeforeTheEqualsSignIsAValue) {
  EXPECT_EQ(line({"search", "1+1=2"}), "search 1+1=2");
  EXPECT_EQ(line({"search", "City=New York"}), "search \"City=New York\"");
  EXPECT_EQ(line({"search", "=x y"}), "search \"=x y\"");
  std::string longest(64, 'a');
  EXPECT_EQ(line({"search", longest + "=x y"}), "search " + longest + "=\"x y\"");
  EXPECT_EQ(line({"search", longest + "a=x y"}), "search \"" + longest + "a=x y\"");
}

TEST(CallLine, QuotesInAWordAreItsOwn) {
  EXPECT_EQ(line({"note", "\"hi\""}), "note \"\\\"hi\\\"\"");
  EXPECT_EQ(line({"note", "say \"hi\""}), "note \"say \\\"hi\\\"\"");
  EXPECT_EQ(line({"note", "5\"disk"}), "note 5\"disk");
  EXPECT_EQ(line({"note", "text=\"hi\""}), "note text=\"\\\"hi\\\"\"");
}

TEST(CallLine, AnEmptyWordIsAnEmptyValue) {
  EXPECT_EQ(line({"note", ""}), "note \"\"");
}

TEST(CallLine, LineBreaksAreEscaped) {
  EXPECT_EQ(line({"note", "one\r\ntwo"}), "note \"one\\r\\ntwo\"");
  EXPECT_EQ(line({"note", std::string("\0", 1)}), "note \"\\u0000\"");
}

TEST(CallLine, OptionsStayOptions) {
  EXPECT_EQ(line({"@id=7", "weather", "oslo", "@timeout=2s"}), "@id=7 weather oslo @timeout=2s");
  EXPECT_EQ(line({"weather", "@id=a b"}), "weather @id=\"a b\"");
  EXPECT_TRUE(make_call_line({"weather", "@raw"}).raw);
  EXPECT_FALSE(make_call_line({"weather", "x=@raw"}).raw);
}

TEST(CallLine, AWholeLineMayBeOneWord) {
  EXPECT_EQ(line({"weather oslo"}), "weather oslo");
}

TEST(CallLine, WhatCannotBeSentIsRefused) {
  for (const Words& words : {Words{}, Words{""}, Words{"  "}, Words{"@meta"}, Words{"ping\nping"},
                             Words{"ping", "@me ta"}, Words{"weather", "\xff"}}) {
    EXPECT_NE(make_call_line(words).error, "") << (words.empty() ? "" : words.back());
  }
}

TEST(CallLine, JsonIsSentAsItIs) {
  CallLine call = make_call_line({R"({"jsonrpc":"2.0","id":1,"method":"ping"})"});
  EXPECT_EQ(call.line, R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
  EXPECT_TRUE(call.json);
  EXPECT_TRUE(call.answered);
  EXPECT_EQ(line({"[1,", "2]"}), "[1, 2]");
}

TEST(CallLine, JsonOfManyLinesIsSentAsOne) {
  EXPECT_EQ(line({"{\n\t\"id\":\r\n1}"}), "{ \t\"id\":  1}");
}

TEST(CallLine, NotificationsAreNotAnswered) {
  std::string notification = R"({"jsonrpc":"2.0","method":"ping"})";
  EXPECT_FALSE(make_call_line({notification}).answered);
  EXPECT_FALSE(make_call_line({"[" + notification + "," + notification + "]"}).answered);
  EXPECT_TRUE(
      make_call_line({"[" + notification + R"(,{"jsonrpc":"2.0","id":1,"method":"ping"}])"}).answered);
  EXPECT_TRUE(make_call_line({"{bad"}).answered);
}

TEST(CallLine, TheServerReadsBackWhatWasMeant) {
  Words values = {"oslo", "São Paulo", "",    "\"",   "\\",      "a\\ b", "\n",  "{",
                  "[x]",  "#7",        "a=b", "\x7f", "\"a\" b", " a ",   "日本"};
  for (const std::string& value : values) {
    for (bool named : {false, true}) {
      std::string word = named ? "name=" + value : value == "a=b" ? "A=b" : value;
      auto message = wire::parse(line({"route", word}));
      auto* call = std::get_if<wire::Call>(&message);
      ASSERT_TRUE(call) << word;
      ASSERT_EQ(call->arguments.size(), 1u) << word;
      EXPECT_EQ(call->arguments[0].name, named ? "name" : "");
      EXPECT_EQ(call->arguments[0].value, named ? value : word);
    }
  }
}

bool is_error(const Words& words, std::string_view reply) {
  return is_error_reply(make_call_line(words), reply);
}

TEST(CallReply, TextIsJudgedByItsFirstWord) {
  EXPECT_FALSE(is_error({"ping"}, "OK \"pong\"\n"));
  EXPECT_TRUE(is_error({"ping"}, "ERR overloaded {}\n"));
  EXPECT_FALSE(is_error({"@id=7", "ping"}, "#7 OK \"pong\"\n"));
  EXPECT_TRUE(is_error({"@id=7", "ping"}, "#7 ERR overloaded {}\n"));
  EXPECT_TRUE(is_error({"ping"}, "HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_TRUE(is_error({"ping"}, "#\n"));
}

TEST(CallReply, ARawReplyIsAnErrorOnlyIfItSaysSo) {
  EXPECT_FALSE(is_error({"ping", "@raw"}, "\"pong\"\n"));
  EXPECT_FALSE(is_error({"x", "@raw"}, "{\"error\":1}\n"));
  EXPECT_TRUE(is_error({"x", "@raw"}, "ERR upstream_error {}\n"));
  EXPECT_FALSE(is_error({"x", "@raw", "@id=a"}, "#a {}\n"));
}

TEST(CallReply, JsonIsJudgedByItsMembers) {
  EXPECT_FALSE(is_error({"{}"}, R"({"jsonrpc":"2.0","id":1,"result":{"error":1}})"));
  EXPECT_TRUE(is_error({"{}"}, R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601}})"));
  EXPECT_FALSE(is_error({"[]"}, R"([{"id":1,"result":1},{"id":2,"result":"error"}])"));
  EXPECT_TRUE(is_error({"[]"}, R"([{"id":1,"result":1},{"id":2,"error":{}}])"));
  EXPECT_TRUE(is_error({"{}"}, "HTTP/1.1 400 Bad Request\r\n"));
}

}  // namespace
}  // namespace linegate::daemon
