// The order of text replies: first come, first served, whatever order the answers come in.
#include "daemon/reply_order.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace linegate::daemon {
namespace {

struct Order : testing::Test {
  // Delivers `text` as the reply of `turn`, as a connection does.
  void deliver(ReplyOrder::Turn turn, std::string_view text) {
    if (order.first(turn)) {
      out.append(text);
      order.close(turn, out);
    } else {
      order.line(turn).append(text);
      order.wait(turn);
    }
  }
  std::string written() const { return std::string(out.view()); }

  ReplyOrder order;
  Buffer out;
};

TEST_F(Order, AReplyInItsTurnGoesOutAtOnce) {
  auto first = order.open();
  deliver(first, "a");
  EXPECT_EQ(written(), "a");
}

TEST_F(Order, AReplyBeforeItsTurnWaits) {
  auto first = order.open();
  auto second = order.open();
  deliver(second, "b");
  EXPECT_EQ(written(), "");
  deliver(first, "a");
  EXPECT_EQ(written(), "ab");
}

TEST_F(Order, AGapHoldsBackWhatIsBehindIt) {
  auto first = order.open();
  auto second = order.open();
  auto third = order.open();
  deliver(third, "c");
  deliver(first, "a");
  EXPECT_EQ(written(), "a");
  deliver(second, "b");
  EXPECT_EQ(written(), "abc");
}

TEST_F(Order, TellsWhatTheWaitingRepliesCost) {
  auto first = order.open();
  auto second = order.open();
  order.line(second).append("b");
  std::size_t cost = order.wait(second);
  EXPECT_GT(cost, 0u);
  out.append("a");
  EXPECT_EQ(order.close(first, out), cost);
}

TEST_F(Order, BeginsAnewWhenAllHaveGone) {
  deliver(order.open(), "a");
  deliver(order.open(), "b");
  EXPECT_EQ(written(), "ab");
}

TEST_F(Order, HoldsHoweverManyAreOpenAtATime) {
  for (int round = 0; round < 3; ++round) {
    std::vector<ReplyOrder::Turn> turns;
    std::string expected;
    out.release();
    for (int i = 0; i < 100; ++i) {
      turns.push_back(order.open());
      expected += std::to_string(i) + ',';
    }
    for (int i = 99; i >= 0; --i) deliver(turns[static_cast<std::size_t>(i)], std::to_string(i) + ',');
    EXPECT_EQ(written(), expected);
  }
}

TEST_F(Order, GrowsWhileItsBeginningIsInTheMiddleOfTheRing) {
  auto a = order.open();
  auto b = order.open();
  deliver(a, "a");
  auto c = order.open();
  auto d = order.open();
  deliver(d, "d");
  deliver(c, "c");
  deliver(b, "b");
  EXPECT_EQ(written(), "abcd");
}

}  // namespace
}  // namespace linegate::daemon
