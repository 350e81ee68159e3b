// RunQueue: order, the budget of turns, and destruction between post and resume.
#include "coro/run_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "coro/task.h"
#include "coro/task_group.h"

namespace linegate {
namespace {

// A place to wait that is posted by hand. As everywhere, the Waiter lives in the awaiter, and so in the
// frame.
struct Pause {
  struct Awaiter : Waiter {
    explicit Awaiter(Pause& pause) { pause.waiter = this; }
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> handle) { frame = handle; }
    void await_resume() {}
  };
  Awaiter operator co_await() { return Awaiter(*this); }
  Waiter* waiter = nullptr;
};

Task<> note(Pause& pause, std::vector<int>& log, int number) {
  co_await pause;
  log.push_back(number);
}

class RunQueueTest : public testing::Test {
 protected:
  void start() { queue.run(); }
  RunQueue queue;
  Pause a, b;
  std::vector<int> log;
  TaskGroup group{queue};
};

TEST_F(RunQueueTest, AnEmptyQueueHasNothingToRun) {
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.run());
}

TEST_F(RunQueueTest, ResumesInTheOrderOfPosts) {
  group.spawn(note(a, log, 1));
  group.spawn(note(b, log, 2));
  start();
  queue.post(*b.waiter);
  queue.post(*a.waiter);
  EXPECT_TRUE(queue.run());
  EXPECT_EQ(log, (std::vector{2, 1}));
}

TEST_F(RunQueueTest, PostingTwiceResumesOnce) {
  group.spawn(note(a, log, 1));
  start();
  queue.post(*a.waiter);
  queue.post(*a.waiter);
  queue.run();
  EXPECT_FALSE(queue.run());
  EXPECT_EQ(log, std::vector{1});
}

Task<> post_another(RunQueue& queue, Pause& pause, Pause& other, std::vector<int>& log) {
  co_await pause;
  queue.post(*other.waiter);
  log.push_back(1);
}

TEST_F(RunQueueTest, WhatBecomesReadyMeanwhileWaitsForTheNextRun) {
  group.spawn(post_another(queue, a, b, log));
  group.spawn(note(b, log, 2));
  start();
  queue.post(*a.waiter);
  queue.run();
  EXPECT_EQ(log, std::vector{1});
  queue.run();
  EXPECT_EQ(log, (std::vector{1, 2}));
}

TEST_F(RunQueueTest, AFrameDestroyedAfterItsPostIsNotResumed) {
  auto victim = std::make_unique<TaskGroup>(queue);
  victim->spawn(note(a, log, 1));
  start();
  queue.post(*a.waiter);
  victim.reset();
  EXPECT_FALSE(queue.run());
  EXPECT_TRUE(log.empty());
}

Task<> destroy(Pause& pause, std::unique_ptr<TaskGroup>& victim) {
  co_await pause;
  victim.reset();
}

TEST_F(RunQueueTest, AFrameDestroyedByOneThatRunsBeforeItIsNotResumed) {
  auto victim = std::make_unique<TaskGroup>(queue);
  group.spawn(destroy(a, victim));
  victim->spawn(note(b, log, 1));
  start();
  queue.post(*a.waiter);
  queue.post(*b.waiter);
  queue.run();
  EXPECT_EQ(victim, nullptr);
  EXPECT_TRUE(log.empty());
}

TEST_F(RunQueueTest, GivesSixtyFourTurnsAndNoMoreUntilTheNextResume) {
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(queue.take_turn()) << i;
  EXPECT_FALSE(queue.take_turn());
  EXPECT_FALSE(queue.take_turn());
  group.spawn(note(a, log, 1));
  queue.run();
  EXPECT_TRUE(queue.take_turn());
}

struct Bomb final : Doom {
  explicit Bomb(int& executed) : count(executed) {}
  void execute() override { ++count; }
  int& count;
};

TEST_F(RunQueueTest, ADoomIsExecutedAtOnceWhenNothingRuns) {
  int executed = 0;
  Bomb bomb(executed);
  queue.post(bomb);
  EXPECT_EQ(executed, 1);
}

Task<> doom(RunQueue& queue, Doom& bomb, Pause& pause, int& executed, int& seen) {
  co_await pause;
  EXPECT_TRUE(queue.running());
  queue.post(bomb);
  seen = executed;
}

TEST_F(RunQueueTest, ADoomWaitsForTheRunningCoroutineToSuspend) {
  int executed = 0, seen = -1;
  Bomb bomb(executed);
  group.spawn(doom(queue, bomb, a, executed, seen));
  start();
  queue.post(*a.waiter);
  queue.run();
  EXPECT_EQ(seen, 0);
  EXPECT_EQ(executed, 1);
  EXPECT_FALSE(queue.running());
}

TEST_F(RunQueueTest, ADoomThatIsDestroyedFirstIsForgotten) {
  int executed = 0, seen = -1;
  auto bomb = std::make_unique<Bomb>(executed);
  auto plant = [](RunQueue& where, std::unique_ptr<Bomb>& what) -> Task<> {
    where.post(*what);
    what.reset();
    co_return;
  };
  group.spawn(plant(queue, bomb));
  queue.run();
  EXPECT_EQ(executed, 0);
  EXPECT_EQ(seen, -1);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace linegate
