// What requests look like in each dialect, and which replies are taken for theirs.
#include "load/dialect.h"

#include <gtest/gtest.h>

#include "load/mix.h"

namespace bench {
namespace {

constexpr Token kToken = "0001000000ff";

std::string written(Dialect dialect, std::string_view words) {
  std::string out;
  request_form(dialect, words).write(out, 7, kToken);
  return out;
}

TEST(Dialect, WritesARequestInEach) {
  EXPECT_EQ(written(Dialect::text, "item {id} size=9"), "item 0001000000ff size=9\n");
  EXPECT_EQ(written(Dialect::tagged, "item {id}"), "@id=7 item 0001000000ff\n");
  EXPECT_EQ(written(Dialect::jsonrpc, "item {id}"),
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"item\",\"params\":[\"0001000000ff\"]}\n");
  EXPECT_EQ(written(Dialect::jsonrpc, "item id={id} size=9"),
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"item\",\"params\":{\"id\":\"0001000000ff\",\"size\":"
            "\"9\"}}\n");
  EXPECT_EQ(written(Dialect::http, "item {id} size=9"),
            "GET /item/0001000000ff?size=9 HTTP/1.1\r\nHost: bench\r\n\r\n");
}

TEST(Dialect, AsksRedisForAKeyOfTheRightLength) {
  EXPECT_EQ(written(Dialect::resp, "item {id} size=9"), "*2\r\n$3\r\nGET\r\n$17\r\nitem:0001000000ff\r\n");
  EXPECT_EQ(written(Dialect::resp, "fixed"), "*2\r\n$3\r\nGET\r\n$5\r\nfixed\r\n");
}

TEST(Dialect, CutsValuesOfRedisByTheirLength) {
  std::size_t scanned = 0;
  const std::string bytes = "$4\r\n\r\n{}\r\n$-1\r\n";
  for (std::size_t size = 0; size < 10; ++size) {
    EXPECT_EQ(next_reply(Dialect::resp, std::string_view(bytes).substr(0, size), scanned).size, 0u);
  }
  const Reply value = next_reply(Dialect::resp, bytes, scanned);
  EXPECT_EQ(value.size, 10u);
  EXPECT_EQ(value.message, "\r\n{}");
  EXPECT_EQ(value.status, 200);
}

TEST(Dialect, TellsWhatRedisDoesNotHoldFromAValueThatLooksAlike) {
  std::size_t scanned = 0;
  const auto error = [&](std::string_view bytes) {
    return error_symbol(Dialect::resp, next_reply(Dialect::resp, bytes, scanned));
  };
  EXPECT_EQ(error("$-1\r\n"), "no_such_key");
  EXPECT_EQ(error("-LOADING please wait\r\n"), "LOADING");
  EXPECT_EQ(error("$3\r\n$-1\r\n"), "");
  EXPECT_EQ(error("$4\r\n-ERR\r\n"), "");
  EXPECT_EQ(next_reply(Dialect::resp, "HTTP/1.1 400 Bad Request\r\n", scanned).status, 0);
}

TEST(Dialect, TakesOnlyTheReplyThatNamesItsRequest) {
  const Form form = reply_form(Dialect::jsonrpc, R"({"id":"{id}"})");
  EXPECT_TRUE(form.matches(R"({"jsonrpc":"2.0","id":7,"result":{"id":"0001000000ff"}})", 7, kToken));
  EXPECT_FALSE(form.matches(R"({"jsonrpc":"2.0","id":8,"result":{"id":"0001000000ff"}})", 7, kToken));
  EXPECT_FALSE(form.matches(R"({"jsonrpc":"2.0","id":7,"result":{"id":"0001000000fe"}})", 7, kToken));
  EXPECT_FALSE(form.matches(R"({"jsonrpc":"2.0","id":7,"result":{"id":"0001000000ff"}} )", 7, kToken));
}

TEST(Dialect, CutsLinesAndRemembersWhereItLooked) {
  std::size_t scanned = 0;
  EXPECT_EQ(next_reply(Dialect::text, "OK 1", scanned).size, 0u);
  EXPECT_EQ(scanned, 4u);
  const Reply reply = next_reply(Dialect::text, "OK 12\nOK", scanned);
  EXPECT_EQ(reply.size, 6u);
  EXPECT_EQ(reply.message, "OK 12");
  EXPECT_EQ(scanned, 0u);
}

TEST(Dialect, CutsHttpResponsesByTheirLength) {
  std::size_t scanned = 0;
  const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP";
  EXPECT_EQ(next_reply(Dialect::http, response.substr(0, 39), scanned).size, 0u);
  EXPECT_EQ(next_reply(Dialect::http, response, scanned).message, "{}");
  EXPECT_EQ(next_reply(Dialect::http, "garbage\r\n\r\n", scanned).status, 0);
}

TEST(Dialect, TellsErrorsFromResults) {
  const auto symbol = [](Dialect dialect, std::string_view line) {
    return error_symbol(dialect, Reply{line.size(), line});
  };
  EXPECT_EQ(symbol(Dialect::text, R"(ERR overloaded {"reason":"queue"})"), "overloaded");
  EXPECT_EQ(symbol(Dialect::tagged, R"(#7 ERR overloaded {})"), "overloaded");
  EXPECT_EQ(symbol(Dialect::text, R"(OK {"text":"an ERR here"})"), "");
  EXPECT_EQ(symbol(Dialect::jsonrpc,
                   R"({"jsonrpc":"2.0","id":1,"error":{"code":-32006,"data":{"symbol":"overloaded"}}})"),
            "overloaded");
  EXPECT_EQ(symbol(Dialect::jsonrpc, R"({"jsonrpc":"2.0","id":1,"result":{"symbol":"x"}})"), "");
  EXPECT_EQ(error_symbol(Dialect::http, Reply{1, "", 503}), "http_503");
}

TEST(Mix, SpreadsItsKindsByWeight) {
  const Mix mix = Mix::parse("# a comment\n3 100 item {id}\n1 !unknown_method nosuch\n", Dialect::text);
  int errors = 0;
  for (int i = 0; i < 400; ++i) errors += !mix.pick(std::uint64_t(i)).error.empty();
  EXPECT_EQ(errors, 100);
}

TEST(Mix, NamesTheLineThatItCannotRead) {
  EXPECT_THROW(Mix::parse("", Dialect::text), std::runtime_error);
  try {
    Mix::parse("1 100 item {id}\nx 100 item {id}\n", Dialect::text);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "mix line 2: expected a number");
  }
}

}  // namespace
}  // namespace bench
