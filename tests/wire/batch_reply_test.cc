// The one line that answers a batch: its order, its silence, its size.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "json/validate.h"
#include "wire/parse.h"
#include "wire/reply.h"

namespace linegate::wire {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kPlenty = 1 << 20;

std::string item(std::string_view id) {
  return R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":"a"})";
}
const std::string kNotification = R"({"jsonrpc":"2.0","method":"a"})";

Batch batch(const std::string& items) {
  return std::get<Batch>(parse("[" + items + "]"));
}

std::string written(const BatchReply& reply) {
  Buffer out;
  reply.write_to(out);
  return std::string(out.view());
}

TEST(BatchReply, AnswersInRequestOrderWhateverEndsFirst) {
  BatchReply reply(batch(item("1") + "," + item("2")), kPlenty);
  reply.result(1, "\"b\"");
  EXPECT_EQ(reply.pending(), 1u);
  reply.error(0, {Symbol::cancelled, "cancelled", {}});
  EXPECT_EQ(reply.pending(), 0u);
  EXPECT_EQ(
      written(reply),
      R"([{"jsonrpc":"2.0","id":1,"error":{"code":-32800,"message":"cancelled","data":{"symbol":"cancelled","message":"cancelled"}}},)"
      R"({"jsonrpc":"2.0","id":2,"result":"b"}])"
      "\n");
}

TEST(BatchReply, NotificationsLeaveNoElement) {
  BatchReply reply(batch(kNotification + "," + item("2") + "," + kNotification), kPlenty);
  EXPECT_EQ(reply.pending(), 3u);
  reply.result(0, "1");
  reply.result(1, "2");
  reply.error(2, {Symbol::internal, "no", {}});
  EXPECT_EQ(written(reply), "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}]\n");
}

TEST(BatchReply, NotificationsAloneAnswerNothing) {
  BatchReply reply(batch(kNotification), kPlenty);
  reply.result(0, "1");
  EXPECT_EQ(reply.pending(), 0u);
  EXPECT_EQ(written(reply), "");
}

TEST(BatchReply, RefusalsAreAnsweredFromTheStart) {
  BatchReply reply(batch("1,{\"id\":5}"), kPlenty);
  EXPECT_EQ(reply.pending(), 0u);
  EXPECT_THAT(written(reply), HasSubstr("\"id\":null,\"error\":{\"code\":-32600,"));
  EXPECT_THAT(written(reply), HasSubstr("\"id\":5,\"error\":{\"code\":-32600,"));
}

TEST(BatchReply, HeldIsExactlyWhatIsWritten) {
  BatchReply reply(batch(item("1") + "," + kNotification + ",7," + item("\"x\"")), kPlenty);
  reply.result(0, "[1,2,3]");
  reply.result(1, "null");
  reply.result(3, "\"y\"");
  EXPECT_EQ(reply.held(), written(reply).size());
}

TEST(BatchReply, WhatDoesNotFitBecomesReplyTooLargeWithItsId) {
  std::string big = "\"" + std::string(1000, 'x') + "\"";
  BatchReply reply(batch(item("1") + "," + item("2") + "," + item("3")), 1500);
  reply.result(0, big);
  reply.result(1, big);
  reply.result(2, "true");
  std::string line = written(reply);
  EXPECT_LE(line.size(), 1500u);
  EXPECT_FALSE(json::validate(line, 8));
  EXPECT_THAT(line, HasSubstr(big));
  EXPECT_THAT(line, HasSubstr(R"({"jsonrpc":"2.0","id":2,"error":{"code":-32008,)"));
  EXPECT_THAT(line, HasSubstr(R"("limit":1500)"));
  EXPECT_THAT(line, HasSubstr(R"("id":3,"result":true)"));
}

TEST(BatchReply, TheLimitIsExact) {
  std::string one = item("1");
  auto reply_with = [&](std::size_t limit) {
    BatchReply reply(batch(one), limit);
    reply.result(0, "\"" + std::string(500, 'x') + "\"");
    return written(reply);
  };
  std::size_t exact = reply_with(kPlenty).size();
  EXPECT_THAT(reply_with(exact), Not(HasSubstr("-32008")));
  EXPECT_THAT(reply_with(exact - 1), HasSubstr("-32008"));
}

TEST(BatchReply, EvenUnderATinyLimitEachIdIsAnswered) {
  BatchReply reply(batch(item("1") + "," + item("2")), 1);
  reply.result(0, "true");
  reply.error(1, {Symbol::internal, std::string(500, 'x'), {}});
  std::string line = written(reply);
  EXPECT_FALSE(json::validate(line, 8));
  EXPECT_THAT(line, HasSubstr(R"("id":1,"result":true)"));
  EXPECT_THAT(line, HasSubstr(R"("id":2,"error":{"code":-32008,)"));
}

}  // namespace
}  // namespace linegate::wire
