// The JSON-RPC 2.0 dialect, rule by rule.
#include "wire/jsonrpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace linegate::wire {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

template <typename T>
T parse_as(std::string_view line, const JsonRpcLimits& limits = {}) {
  Message message = parse_jsonrpc(line, limits);
  EXPECT_TRUE(std::holds_alternative<T>(message)) << line << " is alternative " << message.index();
  return std::holds_alternative<T>(message) ? std::get<T>(std::move(message)) : T{};
}

Call call(std::string_view line) {
  return parse_as<Call>(line);
}
Refusal refusal(std::string_view line) {
  return parse_as<Refusal>(line);
}

// "-32600 ID"; " silent" behind it if nothing is answered.
std::string outcome(const Refusal& refused) {
  return std::to_string(code(refused.error.symbol)) + " " + refused.to.id +
         (refused.to.notification ? " silent" : "");
}
std::string refused(std::string_view line) {
  return outcome(refusal(line));
}

// What each item of a batch became: "call ID", "cancel ID", or as above.
std::vector<std::string> items(std::string_view line, const JsonRpcLimits& limits = {}) {
  std::vector<std::string> all;
  for (const Item& item : parse_as<Batch>(line, limits).items) {
    if (auto* one = std::get_if<Refusal>(&item)) all.push_back(outcome(*one));
    if (auto* one = std::get_if<Call>(&item))
      all.push_back("call " + one->to.id + (one->to.notification ? " silent" : ""));
    if (auto* one = std::get_if<Cancel>(&item)) all.push_back("cancel " + one->target);
  }
  return all;
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

constexpr std::string_view kPing = R"({"jsonrpc":"2.0","id":1,"method":"rpc.ping"})";

TEST(JsonRpc, ReadsACallWithNamedParameters) {
  Call one = call(R"({"jsonrpc":"2.0","id":1,"method":"weather","params":{"city":"oslo","n":{"a": [1]}}})");
  EXPECT_EQ(one.to.dialect, Dialect::jsonrpc);
  EXPECT_EQ(one.to.id, "1");
  EXPECT_EQ(one.method, "weather");
  ASSERT_EQ(one.arguments.size(), 2u);
  EXPECT_EQ(one.arguments[0].name, "city");
  EXPECT_EQ(one.arguments[0].value, "\"oslo\"");
  EXPECT_EQ(one.arguments[1].value, R"({"a": [1]})");
  EXPECT_FALSE(one.to.notification || one.to.want_meta || one.fresh || one.timeout);
}

TEST(JsonRpc, ReadsPositionalParametersAndMeta) {
  Call one = call(
      R"({"jsonrpc":"2.0","id":"b","method":"weather","params":["oslo",3.50],"meta":{"timeout_ms":800,"want":true,"fresh":false}})");
  EXPECT_EQ(one.to.id, "\"b\"");
  ASSERT_EQ(one.arguments.size(), 2u);
  EXPECT_EQ(one.arguments[0].name, "");
  EXPECT_EQ(one.arguments[1].value, "3.50");
  EXPECT_EQ(one.timeout, 800ms);
  EXPECT_TRUE(one.to.want_meta);
  EXPECT_FALSE(one.fresh);
}

TEST(JsonRpc, MembersMayStandInAnyOrderWithWhiteSpaceAndEscapes) {
  Call one =
      call(" {\t\"m\\u0065thod\" : \"we\\u0061ther\" , \"\\u0069d\" : 7 , \"jsonrpc\" : \"2\\u002e0\" } ");
  EXPECT_EQ(one.method, "weather");
  EXPECT_EQ(one.to.id, "7");
}

TEST(JsonRpc, OtherMembersAreIgnored) {
  EXPECT_EQ(call(R"({"jsonrpc":"2.0","id":1,"method":"a","x":1,"x":2,"Id":3,"result":null})").to.id, "1");
  EXPECT_EQ(call(R"({"jsonrpc":"2.0","id":1,"method":"a","meta":{"x":1}})").to.id, "1");
}

TEST(JsonRpc, IdsAreRawBytes) {
  for (std::string id : {"0", "-1.50", "1E+400", "123456789012345678901234567890", R"("\ud800")",
                         R"("\u0061")", "null", R"("")", R"("#1 \"x\"")"}) {
    EXPECT_EQ(call(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"a"})").to.id, id);
  }
}

TEST(JsonRpc, AnIdHasAtMost256Bytes) {
  std::string longest(254, 'x');
  auto line = [](const std::string& text) {
    return R"({"jsonrpc":"2.0","method":"a","id":")" + text + "\"}";
  };
  EXPECT_EQ(call(line(longest)).to.id.size(), 256u);
  EXPECT_EQ(refused(line(longest + "x")), "-32600 null");
}

TEST(JsonRpc, AnIdOfAnotherTypeIsRefused) {
  for (std::string id : {"true", "false", "[1]", "{}"}) {
    EXPECT_EQ(refused(R"({"jsonrpc":"2.0","method":"a","id":)" + id + "}"), "-32600 null") << id;
  }
}

TEST(JsonRpc, WithoutIdItIsANotification) {
  EXPECT_TRUE(call(R"({"jsonrpc":"2.0","method":"a"})").to.notification);
  EXPECT_FALSE(call(R"({"jsonrpc":"2.0","method":"a","id":null})").to.notification);
}

TEST(JsonRpc, WhatIsNotJsonIsAParseErrorWithoutSentence) {
  for (std::string line : {"{bad json", "{", "[", "{}x", R"({"jsonrpc":"2.0","id":1,"method":"a"},)", "[1,]",
                           R"({"jsonrpc":"2.0","id":01,"method":"a"})", "{\"a\":\"\t\"}", "[}"}) {
    EXPECT_EQ(refused(line), "-32700 null") << line;
    EXPECT_EQ(refusal(line).error.message, "");
  }
  EXPECT_EQ(refused("{\"id\":\"\xff\"}"), "-32700 null");
  EXPECT_THAT(refusal("{\"id\":\"\xff\"}").error.message, HasSubstr("UTF-8"));
}

TEST(JsonRpc, InvalidRequestsAreAnsweredWithTheirIdOrNull) {
  EXPECT_EQ(refused("{}"), "-32600 null");
  EXPECT_EQ(refused(R"({"id":1,"method":"a"})"), "-32600 1");
  EXPECT_EQ(refused(R"({"jsonrpc":2.0,"id":1,"method":"a"})"), "-32600 1");
  EXPECT_EQ(refused(R"({"jsonrpc":"1.0","id":1,"method":"a"})"), "-32600 1");
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1})"), "-32600 1");
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1,"method":7})"), "-32600 1");
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","method":1,"params":"bar"})"), "-32600 null");
  for (std::string params : {"\"bar\"", "1", "null", "true"}) {
    EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1,"method":"a","params":)" + params + "}"), "-32600 1")
        << params;
  }
}

TEST(JsonRpc, AMemberGivenTwiceIsRefused) {
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"a"})"), "-32600 1");
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1,"method":"a","method":"a"})"), "-32600 1");
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1,"method":"a","params":[],"p\u0061rams":[]})"), "-32600 1");
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1,"method":"a","meta":{},"meta":{}})"), "-32600 1");
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1,"id":1,"method":"a"})"), "-32600 null");
}

TEST(JsonRpc, MetaIsTyped) {
  auto line = [](const std::string& meta) {
    return R"({"jsonrpc":"2.0","id":1,"method":"a","meta":)" + meta + "}";
  };
  for (std::string bad :
       {"1", "null", "[]", R"({"timeout_ms":"1"})", R"({"timeout_ms":0})", R"({"timeout_ms":-5})",
        R"({"timeout_ms":1e400})", R"({"timeout_ms":1e15})", R"({"timeout_ms":null})", R"({"want":1})",
        R"({"fresh":"true"})", R"({"want":true,"fresh":null})"}) {
    EXPECT_EQ(refused(line(bad)), "-32600 1") << bad;
  }
  EXPECT_EQ(call(line(R"({"timeout_ms":1.5e3})")).timeout, 1500ms);
  EXPECT_EQ(call(line(R"({"timeout_ms":0.5})")).timeout, 500us);
  EXPECT_TRUE(call(line(R"({"fresh":true})")).fresh);
}

TEST(JsonRpc, HalfASurrogatePairNeverMakesAParseError) {
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1,"method":"\ud800"})"), "-32601 1");
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"\ud800":1}})"), "-32602 1");
  EXPECT_EQ(call(R"({"jsonrpc":"2.0","id":1,"method":"a","params":["\ud800"]})").arguments[0].value,
            R"("\ud800")");
}

TEST(JsonRpc, AnEmptyParameterNameDoesNotBecomeAPosition) {
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"":1}})"), "-32602 1");
}

TEST(JsonRpc, ParametersGivenTwiceReachTheRouter) {
  EXPECT_EQ(call(R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1,"x":2}})").arguments.size(), 2u);
}

TEST(JsonRpc, TheDepthIs64) {
  auto line = [](std::size_t depth) {
    return R"({"jsonrpc":"2.0","id":9,"method":"a","params":)" + nested(depth - 1) + "}";
  };
  EXPECT_EQ(call(line(64)).to.id, "9");
  EXPECT_EQ(refused(line(65)), "-32600 9");
  EXPECT_EQ(refused(line(20'000)), "-32600 9");
  EXPECT_EQ(refused(line(65) + "]"), "-32700 null");
  EXPECT_EQ(refused(std::string(60'000, '[')), "-32700 null");
}

TEST(JsonRpc, InABatchOnlyTheItemThatIsTooDeepIsRefused) {
  std::string deep = R"({"jsonrpc":"2.0","id":2,"method":"a","params":)" + nested(63) + "}";
  std::string fits = R"({"jsonrpc":"2.0","id":3,"method":"a","params":)" + nested(62) + "}";
  EXPECT_THAT(items("[" + std::string(kPing) + "," + deep + "," + fits + "]"),
              ElementsAre("call 1", "-32600 2", "call 3"));
}

TEST(JsonRpc, ReadsACancel) {
  auto cancel = parse_as<Cancel>(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id": "\u0061"}})");
  EXPECT_EQ(cancel.target, R"("\u0061")");
  EXPECT_TRUE(cancel.to.notification);
  EXPECT_EQ(
      parse_as<Cancel>(R"({"jsonrpc":"2.0","id":5,"method":"$/cancelRequest","params":{"id":7}})").to.id,
      "5");
}

TEST(JsonRpc, ACancelNamesExactlyOneId) {
  for (std::string params : {"", R"(,"params":{})", R"(,"params":[7])", R"(,"params":{"id":7,"x":1})",
                             R"(,"params":{"id":[7]})", R"(,"params":{"id":7,"id":7})"}) {
    EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":5,"method":"$/cancelRequest")" + params + "}"), "-32602 5")
        << params;
    EXPECT_EQ(refused(R"({"jsonrpc":"2.0","method":"$/cancelRequest")" + params + "}"), "-32602 null silent");
  }
}

TEST(JsonRpc, ABatchKeepsItsOrderAndRefusesItsBadItemsOneByOne) {
  std::string line = "[" + std::string(kPing) + R"(,1,"x",[],[{}],{"id":4},{"jsonrpc":"2.0","method":"n"},)" +
                     R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}])";
  EXPECT_THAT(items(line), ElementsAre("call 1", "-32600 null", "-32600 null", "-32600 null", "-32600 null",
                                       "-32600 4", "call null silent", "cancel 1"));
}

TEST(JsonRpc, AnEmptyBatchIsOneRefusal) {
  EXPECT_EQ(refused("[]"), "-32600 null");
  EXPECT_EQ(refused(" [ ] "), "-32600 null");
}

TEST(JsonRpc, ABatchOverTheLimitAnswersEachIdAndRunsNothing) {
  JsonRpcLimits limits;
  limits.max_batch = 3;
  std::string note = R"({"jsonrpc":"2.0","method":"n"})";
  std::string ping(kPing);
  EXPECT_THAT(items("[" + ping + "," + ping + "," + note + "]", limits),
              ElementsAre("call 1", "call 1", "call null silent"));
  EXPECT_THAT(items("[" + ping + "," + note + R"(,7,{"id":"x"}])", limits),
              ElementsAre("-32010 1", "-32010 \"x\""));
  EXPECT_THAT(items(R"([{"jsonrpc":"2.0","id":null,"method":"a"},1,2,3])", limits),
              ElementsAre("-32010 null"));
}

TEST(JsonRpc, ABatchOverTheLimitWithoutAnyIdAnswersOnceOrNotAtAll) {
  JsonRpcLimits limits;
  limits.max_batch = 1;
  std::string note = R"({"jsonrpc":"2.0","method":"n"})";
  EXPECT_EQ(outcome(parse_as<Refusal>("[1,2]", limits)), "-32010 null");
  EXPECT_EQ(parse_as<Refusal>("[1,2]", limits).error.members, R"(,"limit":1)");
  EXPECT_THAT(items("[" + note + "," + note + "]", limits), ElementsAre(HasSubstr("silent")));
}

TEST(JsonRpc, AHundredItemsAreAllowedByDefault) {
  std::string line = "[" + std::string(kPing);
  for (int i = 1; i < 100; ++i) line += "," + std::string(kPing);
  EXPECT_THAT(items(line + "]"), Each("call 1"));
  EXPECT_THAT(items(line + "," + std::string(kPing) + "]"), Each("-32010 1"));
}

TEST(JsonRpc, CutAnywhereALineIsAParseError) {
  std::string_view line =
      R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"x":[1,"\u00e9"]},"meta":{"want":true}})";
  for (std::size_t n = 1; n < line.size(); ++n) EXPECT_EQ(refused(line.substr(0, n)), "-32700 null") << n;
}

}  // namespace
}  // namespace linegate::wire
