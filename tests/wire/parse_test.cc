// The choice of the dialect, message by message.
#include "wire/parse.h"

#include <gtest/gtest.h>

namespace linegate::wire {
namespace {

TEST(Parse, TheFirstByteThatIsNotBlankChoosesTheDialect) {
  EXPECT_EQ(dialect_of("ping"), Dialect::text);
  EXPECT_EQ(dialect_of(""), Dialect::text);
  EXPECT_EQ(dialect_of("\"{"), Dialect::text);
  EXPECT_EQ(dialect_of("{"), Dialect::jsonrpc);
  EXPECT_EQ(dialect_of(" \t[1"), Dialect::jsonrpc);
  EXPECT_EQ(dialect_of("\xff{"), Dialect::text);
}

TEST(Parse, EachLineIsReadInItsOwnDialect) {
  EXPECT_EQ(std::get<Call>(parse("ping")).to.dialect, Dialect::text);
  EXPECT_EQ(std::get<Call>(parse(R"( {"jsonrpc":"2.0","method":"a"})")).to.dialect, Dialect::jsonrpc);
  EXPECT_EQ(std::get<Refusal>(parse("{bad")).to.dialect, Dialect::jsonrpc);
  EXPECT_EQ(std::get<Refusal>(parse("@bad")).to.dialect, Dialect::text);
}

TEST(Parse, HandsTheLimitsOn) {
  JsonRpcLimits limits;
  limits.max_id = 1;
  EXPECT_TRUE(std::holds_alternative<Refusal>(parse(R"({"jsonrpc":"2.0","id":12,"method":"a"})", limits)));
}

TEST(Parse, KnowsBlankLines) {
  EXPECT_TRUE(is_blank(""));
  EXPECT_TRUE(is_blank(" \t"));
  EXPECT_FALSE(is_blank(" x"));
}

TEST(Parse, AnUnreadableLineIsAnsweredWithoutIdOrWithNull) {
  EXPECT_EQ(anonymous(Dialect::text).id, "");
  EXPECT_EQ(anonymous(Dialect::jsonrpc).id, "null");
  EXPECT_EQ(anonymous(Dialect::jsonrpc).dialect, Dialect::jsonrpc);
}

}  // namespace
}  // namespace linegate::wire
