// The order of text replies: first come, first served, whatever order the answers come in.
#include "daemon/reply_order.h"

#include <gtest/gtest.h>

#include <string>

namespace linegate::daemon {
namespace {

struct Order : testing::Test {
  // Delivers `text` as the reply in `slot`, as a connection does.
  void deliver(ReplyOrder::Slot& slot, std::string_view text) {
    if (order.first(slot)) {
      out.append(text);
      order.close(slot, out);
    } else {
      slot.line.append(text);
      slot.done = true;
    }
  }
  std::string written() const { return std::string(out.view()); }

  ReplyOrder order;
  Buffer out;
};

TEST_F(Order, AReplyInItsTurnGoesOutAtOnce) {
  auto& first = order.open();
  deliver(first, "a");
  EXPECT_EQ(written(), "a");
}

TEST_F(Order, AReplyBeforeItsTurnWaits) {
  auto& first = order.open();
  auto& second = order.open();
  deliver(second, "b");
  EXPECT_EQ(written(), "");
  deliver(first, "a");
  EXPECT_EQ(written(), "ab");
}

TEST_F(Order, AGapHoldsBackWhatIsBehindIt) {
  auto& first = order.open();
  auto& second = order.open();
  auto& third = order.open();
  deliver(third, "c");
  deliver(first, "a");
  EXPECT_EQ(written(), "a");
  deliver(second, "b");
  EXPECT_EQ(written(), "abc");
}

TEST_F(Order, TellsWhatTheWaitingRepliesCost) {
  auto& first = order.open();
  auto& second = order.open();
  deliver(second, "b");
  std::size_t cost = ReplyOrder::held(second);
  EXPECT_GT(cost, 0u);
  out.append("a");
  EXPECT_EQ(order.close(first, out), cost);
}

TEST_F(Order, BeginsAnewWhenAllHaveGone) {
  deliver(order.open(), "a");
  deliver(order.open(), "b");
  EXPECT_EQ(written(), "ab");
}

}  // namespace
}  // namespace linegate::daemon
