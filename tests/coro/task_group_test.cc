// TaskGroup: spawn, join, cancel from outside and from within, errors.
#include "coro/task_group.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "coro/event.h"

namespace linegate {
namespace {

struct Alive {
  explicit Alive(int& counter) : count(counter) { ++count; }
  ~Alive() { --count; }
  int& count;
};

Task<> wait_for(Event& event, int& alive) {
  Alive here(alive);
  co_await event.wait();
}

class TaskGroupTest : public testing::Test {
 protected:
  void run() {
    while (queue.run()) continue;
  }
  RunQueue queue;
  Event event{queue};
  int alive = 0;
};

TEST_F(TaskGroupTest, StartsWhatIsSpawnedAtTheNextRun) {
  TaskGroup group(queue);
  group.spawn(wait_for(event, alive));
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(group.size(), 1u);
  run();
  EXPECT_EQ(alive, 1);
  event.set();
  run();
  EXPECT_TRUE(group.empty());
  EXPECT_EQ(alive, 0);
}

TEST_F(TaskGroupTest, ItsDestructorCancelsWhatRuns) {
  {
    TaskGroup group(queue);
    group.spawn(wait_for(event, alive));
    run();
  }
  EXPECT_EQ(alive, 0);
}

TEST_F(TaskGroupTest, ItsDestructorFreesWhatNeverStarted) {
  auto shared = std::make_shared<int>();
  auto hold = [](std::shared_ptr<int> value) -> Task<> {
    EXPECT_TRUE(value);
    co_return;
  };
  {
    TaskGroup group(queue);
    group.spawn(hold(shared));
  }
  EXPECT_EQ(shared.use_count(), 1);
  EXPECT_FALSE(queue.run());
}

Task<> join(TaskGroup& group, bool& joined) {
  co_await group.join();
  joined = true;
}

TEST_F(TaskGroupTest, JoinWaitsForTheLastTask) {
  TaskGroup group(queue), watcher(queue);
  bool joined = false;
  group.spawn(wait_for(event, alive));
  group.spawn(wait_for(event, alive));
  watcher.spawn(join(group, joined));
  run();
  EXPECT_FALSE(joined);
  event.set();
  run();
  EXPECT_TRUE(joined);
}

TEST_F(TaskGroupTest, JoiningAnEmptyGroupIsImmediate) {
  TaskGroup group(queue), watcher(queue);
  bool joined = false;
  watcher.spawn(join(group, joined));
  run();
  EXPECT_TRUE(joined);
}

TEST_F(TaskGroupTest, AGroupCanBeUsedAgainAfterItWasEmpty) {
  TaskGroup group(queue), watcher(queue);
  bool joined = false;
  event.set();
  group.spawn(wait_for(event, alive));
  run();
  event.clear();
  group.spawn(wait_for(event, alive));
  watcher.spawn(join(group, joined));
  run();
  EXPECT_FALSE(joined);
}

TEST_F(TaskGroupTest, CancelFromOutsideIsImmediateAndWakesJoin) {
  TaskGroup group(queue), watcher(queue);
  bool joined = false;
  group.spawn(wait_for(event, alive));
  watcher.spawn(join(group, joined));
  run();
  group.cancel();
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(group.empty());
  run();
  EXPECT_TRUE(joined);
}

Task<> cancel_own_group(TaskGroup& group, Event& event, int& alive, int& alive_after) {
  Alive here(alive);
  group.cancel();
  alive_after = alive;
  co_await event.wait();
  ADD_FAILURE() << "resumed after its own cancel";
}

TEST_F(TaskGroupTest, ATaskMayCancelItsOwnGroup) {
  TaskGroup group(queue);
  int alive_after = 0;
  group.spawn(wait_for(event, alive));
  group.spawn(cancel_own_group(group, event, alive, alive_after));
  run();
  EXPECT_EQ(alive_after, 2);  // still alive while it runs
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(group.empty());
  event.set();
  run();
}

Task<> nested(TaskGroup& group, Event& event, int& alive, int& alive_after) {
  Alive here(alive);
  co_await cancel_own_group(group, event, alive, alive_after);
}

TEST_F(TaskGroupTest, ANestedTaskMayCancelTheGroupOfItsParents) {
  TaskGroup group(queue);
  int alive_after = 0;
  group.spawn(nested(group, event, alive, alive_after));
  run();
  EXPECT_EQ(alive_after, 2);
  EXPECT_EQ(alive, 0);
}

Task<> cancel_and_end(TaskGroup& group) {
  group.cancel();
  co_return;
}

TEST_F(TaskGroupTest, ATaskThatCancelsItsGroupAndEndsIsFreedOnce) {
  TaskGroup group(queue);
  group.spawn(cancel_and_end(group));
  group.spawn(wait_for(event, alive));
  run();
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(group.empty());
}

Task<> cancel_and_spawn(TaskGroup& group, Event& event, int& alive) {
  group.cancel();
  group.spawn(wait_for(event, alive));
  co_return;
}

TEST_F(TaskGroupTest, WhatIsSpawnedAfterACancelLives) {
  TaskGroup group(queue);
  group.spawn(cancel_and_spawn(group, event, alive));
  run();
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(group.size(), 1u);
}

TEST_F(TaskGroupTest, AGroupMayDieWithItsCancelPending) {
  TaskGroup outer(queue);
  auto group = std::make_unique<TaskGroup>(queue);
  auto end = [](std::unique_ptr<TaskGroup>& victim) -> Task<> {
    victim->cancel();
    victim.reset();  // its tasks are not on our stack
    co_return;
  };
  group->spawn(wait_for(event, alive));
  run();
  outer.spawn(end(group));
  run();
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(queue.empty());
}

TEST_F(TaskGroupTest, CancelWithReadyTasksResumesNone) {
  TaskGroup group(queue);
  group.spawn(wait_for(event, alive));
  run();
  event.set();
  group.cancel();
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(queue.run());
}

Task<> break_down(Event& event) {
  co_await event.wait();
  throw std::runtime_error("broken");
}

TEST_F(TaskGroupTest, ATaskThatThrowsEndsAloneAndTheHandlerIsTold) {
  std::vector<std::string> errors;
  auto keep = [](void* kept, std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      static_cast<std::vector<std::string>*>(kept)->push_back(e.what());
    }
  };
  TaskGroup group(queue, {keep, &errors});
  Event other(queue);
  group.spawn(break_down(event));
  group.spawn(wait_for(other, alive));
  run();
  event.set();
  run();
  EXPECT_EQ(errors, std::vector<std::string>{"broken"});
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(group.size(), 1u);
}

TEST_F(TaskGroupTest, WithoutAHandlerAnErrorIsOneLineOnStderr) {
  TaskGroup group(queue);
  event.set();
  testing::internal::CaptureStderr();
  group.spawn(break_down(event));
  run();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "linegate: a task ended with an exception: broken\n");
}

TEST_F(TaskGroupTest, OneTaskCanBeCancelled) {
  TaskGroup group(queue);
  int other = 0;
  auto ref = group.spawn(wait_for(event, alive));
  group.spawn(wait_for(event, other));
  run();
  group.cancel(ref);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(other, 1);
  EXPECT_EQ(group.size(), 1u);
}

TEST_F(TaskGroupTest, OneTaskCanBeCancelledBeforeItStarted) {
  TaskGroup group(queue);
  auto ref = group.spawn(wait_for(event, alive));
  group.cancel(ref);
  EXPECT_TRUE(group.empty());
  EXPECT_FALSE(queue.run());
}

Task<> cancel_self(TaskGroup& group, TaskGroup::Ref& self, Event& event, int& alive) {
  Alive here(alive);
  group.cancel(self);
  EXPECT_EQ(alive, 1);
  co_await event.wait();
  ADD_FAILURE() << "resumed after its own cancel";
}

TEST_F(TaskGroupTest, ATaskMayCancelItself) {
  TaskGroup group(queue);
  TaskGroup::Ref ref;
  int other = 0;
  ref = group.spawn(cancel_self(group, ref, event, alive));
  group.spawn(wait_for(event, other));
  run();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(other, 1);
}

struct CancelOnExit {
  explicit CancelOnExit(TaskGroup& owner) : group(owner) {}
  ~CancelOnExit() { group.cancel(); }
  TaskGroup& group;
};

Task<> cancel_on_exit(TaskGroup& group, Event& event, int& alive) {
  Alive here(alive);
  CancelOnExit last(group);
  co_await event.wait();
}

TEST_F(TaskGroupTest, ADestructorInATaskMayCancelTheGroupAgain) {
  TaskGroup group(queue);
  group.spawn(cancel_on_exit(group, event, alive));
  group.spawn(cancel_on_exit(group, event, alive));
  run();
  group.cancel();
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(group.empty());
}

TEST_F(TaskGroupTest, GroupsMayOwnGroups) {
  auto parent = [](RunQueue& where, Event& until, int& count) -> Task<> {
    TaskGroup children(where);
    children.spawn(wait_for(until, count));
    children.spawn(wait_for(until, count));
    co_await children.join();
  };
  {
    TaskGroup group(queue);
    group.spawn(parent(queue, event, alive));
    run();
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace linegate
