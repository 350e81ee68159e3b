// Event: set, cleared, waited for; waiters that go at each moment; fairness.
#include "coro/event.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "coro/task.h"
#include "coro/task_group.h"

namespace linegate {
namespace {

Task<> note(Event& event, std::vector<int>& log, int number) {
  co_await event.wait();
  log.push_back(number);
}

class EventTest : public testing::Test {
 protected:
  void run() {
    while (queue.run()) continue;
  }
  RunQueue queue;
  Event event{queue};
  std::vector<int> log;
  TaskGroup group{queue};
};

TEST_F(EventTest, WakesEverybodyInTheOrderOfWaiting) {
  for (int i : {1, 2, 3}) group.spawn(note(event, log, i));
  run();
  EXPECT_TRUE(log.empty());
  event.set();
  EXPECT_TRUE(log.empty());  // posted, not resumed
  run();
  EXPECT_EQ(log, (std::vector{1, 2, 3}));
}

TEST_F(EventTest, StaysSetUntilCleared) {
  event.set();
  EXPECT_TRUE(event.is_set());
  group.spawn(note(event, log, 1));
  run();
  EXPECT_EQ(log, std::vector{1});
  event.clear();
  EXPECT_FALSE(event.is_set());
  group.spawn(note(event, log, 2));
  run();
  EXPECT_EQ(log, std::vector{1});
}

TEST_F(EventTest, ClearingDoesNotTakeBackWhatWasSet) {
  group.spawn(note(event, log, 1));
  run();
  event.set();
  event.clear();
  run();
  EXPECT_EQ(log, std::vector{1});
}

TEST_F(EventTest, SettingTwiceWakesOnce) {
  group.spawn(note(event, log, 1));
  run();
  event.set();
  event.set();
  run();
  EXPECT_EQ(log, std::vector{1});
}

TEST_F(EventTest, AWaiterDestroyedWhileItWaitsIsForgotten) {
  auto owner = std::make_unique<TaskGroup>(queue);
  owner->spawn(note(event, log, 1));
  group.spawn(note(event, log, 2));
  run();
  owner.reset();
  event.set();
  run();
  EXPECT_EQ(log, std::vector{2});
}

TEST_F(EventTest, AWaiterDestroyedAfterTheSetIsNotResumed) {
  auto owner = std::make_unique<TaskGroup>(queue);
  owner->spawn(note(event, log, 1));
  run();
  event.set();
  owner.reset();
  run();
  EXPECT_TRUE(log.empty());
}

TEST_F(EventTest, AnEventThatDiesFirstLetsItsWaitersGo) {
  auto mortal = std::make_unique<Event>(queue);
  group.spawn(note(*mortal, log, 1));
  run();
  mortal.reset();
  EXPECT_FALSE(queue.run());
}

Task<> spin(Event& event, int times, std::vector<int>& log, int number) {
  for (int i = 0; i < times; ++i) co_await event.wait();
  log.push_back(number);
}

TEST_F(EventTest, AGreedyCoroutineLetsOthersRunAfterSixtyFourTurns) {
  event.set();
  group.spawn(spin(event, 65, log, 1));
  group.spawn(spin(event, 1, log, 2));
  run();
  EXPECT_EQ(log, (std::vector{2, 1}));
}

TEST_F(EventTest, SixtyFourTurnsAreNotInterrupted) {
  event.set();
  group.spawn(spin(event, 64, log, 1));
  group.spawn(spin(event, 1, log, 2));
  run();
  EXPECT_EQ(log, (std::vector{1, 2}));
}

TEST_F(EventTest, AWaiterOutOfTurnsMayBeDestroyed) {
  event.set();
  auto owner = std::make_unique<TaskGroup>(queue);
  owner->spawn(spin(event, 1'000, log, 1));
  queue.run();
  EXPECT_FALSE(queue.empty());
  owner.reset();
  run();
  EXPECT_TRUE(log.empty());
}

}  // namespace
}  // namespace linegate
