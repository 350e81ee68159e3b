// Semaphore: permits in the order of asking, none lost and none invented, whoever is destroyed when.
#include "coro/semaphore.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "coro/event.h"
#include "coro/task.h"
#include "coro/task_group.h"

namespace linegate {
namespace {

Task<> hold(Semaphore& semaphore, Event& until, std::vector<int>& log, int number) {
  auto permit = co_await semaphore.acquire();
  log.push_back(number);
  co_await until.wait();
}

class SemaphoreTest : public testing::Test {
 protected:
  void run() {
    while (queue.run()) continue;
  }
  RunQueue queue;
  Event until{queue};
  std::vector<int> log;
};

TEST_F(SemaphoreTest, GivesWhatItHasAndThenMakesWait) {
  Semaphore semaphore(queue, 2);
  TaskGroup group(queue);
  for (int i : {1, 2, 3}) group.spawn(hold(semaphore, until, log, i));
  run();
  EXPECT_EQ(log, (std::vector{1, 2}));
  EXPECT_EQ(semaphore.free(), 0u);
  until.set();
  run();
  EXPECT_EQ(log, (std::vector{1, 2, 3}));
  EXPECT_EQ(semaphore.free(), 2u);
}

TEST_F(SemaphoreTest, ServesInTheOrderOfAsking) {
  Semaphore semaphore(queue, 1);
  TaskGroup group(queue);
  until.set();
  for (int i : {1, 2, 3, 4}) group.spawn(hold(semaphore, until, log, i));
  run();
  EXPECT_EQ(log, (std::vector{1, 2, 3, 4}));
}

TEST_F(SemaphoreTest, ANewcomerDoesNotOvertakeTheOneJustGranted) {
  Semaphore semaphore(queue, 1);
  TaskGroup group(queue);
  auto first = std::make_unique<TaskGroup>(queue);
  first->spawn(hold(semaphore, until, log, 1));
  group.spawn(hold(semaphore, until, log, 2));
  run();
  first.reset();  // grants to 2, which is not resumed yet
  group.spawn(hold(semaphore, until, log, 3));
  run();
  EXPECT_EQ(log, (std::vector{1, 2}));
}

TEST_F(SemaphoreTest, AWaiterDestroyedWhileItWaitsTakesNothing) {
  Semaphore semaphore(queue, 1);
  TaskGroup group(queue);
  group.spawn(hold(semaphore, until, log, 1));
  {
    TaskGroup mortal(queue);
    mortal.spawn(hold(semaphore, until, log, 2));
    run();
  }
  until.set();
  run();
  EXPECT_EQ(log, std::vector{1});
  EXPECT_EQ(semaphore.free(), 1u);
}

TEST_F(SemaphoreTest, AGrantThatWasNotResumedGoesToTheNext) {
  Semaphore semaphore(queue, 1);
  TaskGroup group(queue);
  auto first = std::make_unique<TaskGroup>(queue);
  auto second = std::make_unique<TaskGroup>(queue);
  first->spawn(hold(semaphore, until, log, 1));
  second->spawn(hold(semaphore, until, log, 2));
  group.spawn(hold(semaphore, until, log, 3));
  run();
  first.reset();
  second.reset();
  run();
  EXPECT_EQ(log, (std::vector{1, 3}));
  until.set();
  run();
  EXPECT_EQ(semaphore.free(), 1u);
}

TEST_F(SemaphoreTest, APermitCanBeGivenBackEarlyAndOnce) {
  Semaphore semaphore(queue, 1);
  TaskGroup group(queue);
  auto early = [](Semaphore& from) -> Task<> {
    auto permit = co_await from.acquire();
    EXPECT_EQ(from.free(), 0u);
    permit.release();
    EXPECT_EQ(from.free(), 1u);
    permit.release();
  };
  group.spawn(early(semaphore));
  run();
  EXPECT_EQ(semaphore.free(), 1u);
}

TEST_F(SemaphoreTest, AMovedPermitCountsOnce) {
  Semaphore semaphore(queue, 1);
  TaskGroup group(queue);
  Semaphore::Permit kept;
  auto keep = [](Semaphore& from, Semaphore::Permit& to) -> Task<> {
    auto permit = co_await from.acquire();
    to = std::move(permit);
  };
  group.spawn(keep(semaphore, kept));
  run();
  EXPECT_EQ(semaphore.free(), 0u);
  Semaphore::Permit moved(std::move(kept));
  kept.release();
  EXPECT_EQ(semaphore.free(), 0u);
  moved = Semaphore::Permit();
  EXPECT_EQ(semaphore.free(), 1u);
}

Task<> spin(Semaphore& semaphore, int times, std::vector<int>& log, int number) {
  for (int i = 0; i < times; ++i) {
    auto permit = co_await semaphore.acquire();
  }
  log.push_back(number);
}

TEST_F(SemaphoreTest, AGreedyCoroutineLetsOthersRun) {
  Semaphore semaphore(queue, 2);
  TaskGroup group(queue);
  group.spawn(spin(semaphore, 65, log, 1));
  group.spawn(spin(semaphore, 1, log, 2));
  run();
  EXPECT_EQ(log, (std::vector{2, 1}));
}

TEST_F(SemaphoreTest, OutOfTurnsItsPermitIsTakenAndComesBackIfItIsDestroyed) {
  Semaphore semaphore(queue, 1);
  auto group = std::make_unique<TaskGroup>(queue);
  group->spawn(spin(semaphore, 1'000, log, 1));
  queue.run();
  EXPECT_EQ(semaphore.free(), 0u);
  group.reset();
  EXPECT_EQ(semaphore.free(), 1u);
}

TEST_F(SemaphoreTest, AMillionAcquiresInARowDoNotGrowTheStack) {
  Semaphore semaphore(queue, 1);
  TaskGroup group(queue);
  group.spawn(spin(semaphore, 1'000'000, log, 1));
  run();
  EXPECT_EQ(log, std::vector{1});
}

TEST_F(SemaphoreTest, NoPermitIsLostWhenHoldersAndWaitersGoAtRandom) {
  std::mt19937 random(11);
  Semaphore semaphore(queue, 3);
  std::vector<std::unique_ptr<TaskGroup>> owners(20);
  for (int i = 0; i < 5'000; ++i) {
    auto& owner = owners[random() % owners.size()];
    if (owner) {
      owner.reset();
    } else {
      owner = std::make_unique<TaskGroup>(queue);
      owner->spawn(hold(semaphore, until, log, i));
    }
    if (random() % 3 == 0) queue.run();
  }
  owners.clear();
  run();
  EXPECT_EQ(semaphore.free(), 3u);
}

}  // namespace
}  // namespace linegate
