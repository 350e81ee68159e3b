// Replies byte for byte as protocol.md shows them, one line each whatever goes in.
#include "wire/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "json/validate.h"
#include "wire/parse.h"

namespace linegate::wire {
namespace {

using testing::HasSubstr;

constexpr std::string_view kOslo = R"({"city":"Oslo","temp_c":3.50})";

ReplyTo to_of(std::string_view line) {
  return std::visit(
      [](auto& message) {
        if constexpr (std::is_same_v<std::decay_t<decltype(message)>, Batch>)
          return ReplyTo{};
        else
          return message.to;
      },
      static_cast<const Message&>(parse(line)));
}

// The reply to `line` with this outcome.
std::string result(std::string_view line, std::string_view json, std::string_view meta = {}) {
  Buffer out;
  write_result(out, to_of(line), json, meta);
  return std::string(out.view());
}

std::string error(std::string_view line, const Error& error) {
  Buffer out;
  write_error(out, to_of(line), error);
  return std::string(out.view());
}

Error timeout() {
  Error error{Symbol::upstream_timeout, "no answer within 50 ms", {}};
  error.text("upstream", "weather").text("phase", "first_byte").text("limit", "client");
  error.flag("sent", true).number("attempts", 1);
  return error;
}

Error unknown() {
  Error error{Symbol::unknown_method, "\"wether\" is not a route; did you mean \"weather\"?", {}};
  error.raw("did_you_mean", R"(["weather"])");
  return error;
}

TEST(Reply, TextExamplesOfTheProtocol) {
  EXPECT_EQ(result("weather oslo", kOslo), "OK {\"city\":\"Oslo\",\"temp_c\":3.50}\n");
  EXPECT_EQ(
      result("weather city=\"S\xc3\xa3o Paulo\" units=imperial @timeout=800ms @meta", R"({"temp_f":71.2})",
             R"({"cache":"miss","attempts":1,"status":200,"upstream_ms":212.4})"),
      "OK {\"temp_f\":71.2} {\"cache\":\"miss\",\"attempts\":1,\"status\":200,\"upstream_ms\":212.4}\n");
  EXPECT_EQ(
      error("wether oslo", unknown()),
      R"(ERR unknown_method {"message":"\"wether\" is not a route; did you mean \"weather\"?","did_you_mean":["weather"]})"
      "\n");
  EXPECT_EQ(
      error("weather oslo @timeout=50ms", timeout()),
      R"(ERR upstream_timeout {"message":"no answer within 50 ms","upstream":"weather","phase":"first_byte","limit":"client","sent":true,"attempts":1})"
      "\n");
  EXPECT_EQ(result("@id=7 weather oslo", kOslo), "#7 OK {\"city\":\"Oslo\",\"temp_c\":3.50}\n");
}

TEST(Reply, JsonRpcExamplesOfTheProtocol) {
  EXPECT_EQ(result(R"({"jsonrpc":"2.0","id":1,"method":"weather","params":{"city":"oslo"}})", kOslo),
            R"({"jsonrpc":"2.0","id":1,"result":{"city":"Oslo","temp_c":3.50}})"
            "\n");
  EXPECT_EQ(result(R"({"jsonrpc":"2.0","id":"b","method":"weather","meta":{"want":true}})", "{}",
                   R"({"cache":"hit","age_ms":4200})"),
            R"({"jsonrpc":"2.0","id":"b","result":{},"meta":{"cache":"hit","age_ms":4200}})"
            "\n");
  EXPECT_EQ(
      error(R"({"jsonrpc":"2.0","id":3,"method":"wether"})", unknown()),
      R"({"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"Method not found","data":{"symbol":"unknown_method","message":"\"wether\" is not a route; did you mean \"weather\"?","did_you_mean":["weather"]}}})"
      "\n");
  EXPECT_EQ(
      error("{bad json", std::get<Refusal>(parse("{bad json")).error),
      R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error","data":{"symbol":"parse_error"}}})"
      "\n");
}

TEST(Reply, ErrorsWithoutAStandardMessageHaveTheSentenceAsMessage) {
  EXPECT_EQ(
      error(R"({"jsonrpc":"2.0","id":3,"method":"a"})", timeout()),
      R"({"jsonrpc":"2.0","id":3,"error":{"code":-32003,"message":"no answer within 50 ms","data":{"symbol":"upstream_timeout","message":"no answer within 50 ms","upstream":"weather","phase":"first_byte","limit":"client","sent":true,"attempts":1}}})"
      "\n");
}

TEST(Reply, AnErrorWithoutSentenceStillHasAMessage) {
  EXPECT_EQ(error("ping", {Symbol::cancelled, {}, {}}), "ERR cancelled {\"message\":\"cancelled\"}\n");
  EXPECT_EQ(error("ping", {Symbol::parse_error, {}, {}}), "ERR parse_error {\"message\":\"Parse error\"}\n");
}

TEST(Reply, RawLeavesOutOkOnly) {
  EXPECT_EQ(result("weather @raw", kOslo), std::string(kOslo) + "\n");
  EXPECT_EQ(result("@id=x weather @raw", kOslo), "#x " + std::string(kOslo) + "\n");
  EXPECT_EQ(error("@id=x weather @raw", {Symbol::internal, "no", {}}),
            "#x ERR internal {\"message\":\"no\"}\n");
}

TEST(Reply, MetaIsShownOnlyWhenAskedFor) {
  EXPECT_EQ(result("weather", "1", R"({"cache":"off"})"), "OK 1\n");
  EXPECT_EQ(result("weather @meta", "1", ""), "OK 1\n");
  EXPECT_EQ(result(R"({"jsonrpc":"2.0","id":1,"method":"a"})", "1", "{}"),
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}\n");
}

TEST(Reply, ANotificationIsNotAnswered) {
  std::string line = R"({"jsonrpc":"2.0","method":"a"})";
  EXPECT_EQ(result(line, "1"), "");
  EXPECT_EQ(error(line, {Symbol::internal, "no", {}}), "");
}

TEST(Reply, NothingBreaksTheLine) {
  Error bad{Symbol::upstream_error, "a\nb\r\xff", {}};
  bad.text("excerpt", "x\r\ny").raw("body", "{\r\n\"a\":1}");
  for (std::string line :
       {"@id=1 weather @meta", R"({"jsonrpc":"2.0","id":1,"method":"a","meta":{"want":true}})"}) {
    for (const std::string& reply : {result(line, "[1,\n2]\r\n", "{\n}"), error(line, bad)}) {
      EXPECT_EQ(std::count(reply.begin(), reply.end(), '\n'), 1) << reply;
      EXPECT_EQ(reply.find('\r'), reply.npos) << reply;
      EXPECT_EQ(reply.back(), '\n');
    }
  }
  EXPECT_EQ(result("ping", "[1,\n2]"), "OK [1, 2]\n");
}

TEST(Reply, IdsComeBackByteForByte) {
  for (std::string id : {"1E+400", "-0.0", R"("\ud800\u0061")", "123456789012345678901234567890"}) {
    EXPECT_EQ(result(R"({"jsonrpc":"2.0","method":"a","id":)" + id + "}", "true"),
              R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":true})" + "\n");
  }
}

TEST(Reply, TwoStepsWriteTheSameAsOne) {
  for (std::string line : {"@id=1 weather @meta", "weather @raw",
                           R"({"jsonrpc":"2.0","id":1,"method":"a","meta":{"want":true}})"}) {
    Buffer out;
    begin_result(out, to_of(line));
    out.append(kOslo);
    end_result(out, to_of(line), "{}");
    EXPECT_EQ(out.view(), result(line, kOslo, "{}"));
    EXPECT_GE(result_size(to_of(line), kOslo.size(), 2), out.size());
    EXPECT_LE(result_size(to_of(line), kOslo.size(), 2), out.size() + 10);
  }
}

TEST(Reply, EveryErrorIsValidJsonInBothDialects) {
  for (int i = 0; i <= static_cast<int>(Symbol::cancelled); ++i) {
    Error one{static_cast<Symbol>(i), "x", {}};
    one.number("n", 1);
    std::string text = error("ping", one);
    std::string prefix = "ERR " + std::string(name(one.symbol)) + " ";
    ASSERT_EQ(text.substr(0, prefix.size()), prefix);
    EXPECT_FALSE(json::validate(text.substr(prefix.size()), 8)) << text;
    std::string line = error(R"({"jsonrpc":"2.0","id":1,"method":"a"})", one);
    EXPECT_FALSE(json::validate(line, 8)) << line;
    EXPECT_THAT(line, HasSubstr("\"code\":" + std::to_string(code(one.symbol)) + ","));
  }
}

}  // namespace
}  // namespace linegate::wire
