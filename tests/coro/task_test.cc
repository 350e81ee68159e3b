// Task: lazy, owning, cancelled by destruction; values and exceptions pass to the awaiter.
#include "coro/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "coro/event.h"
#include "coro/run_queue.h"
#include "coro/task_group.h"

namespace linegate {
namespace {

// Counts the frames that hold one.
struct Alive {
  explicit Alive(int& counter) : count(counter) { ++count; }
  ~Alive() { --count; }
  int& count;
};

class TaskTest : public testing::Test {
 protected:
  void run() {
    while (queue.run()) continue;
  }
  RunQueue queue;
  Event event{queue};
  std::exception_ptr error;
  TaskGroup group{
      queue, {[](void* kept, std::exception_ptr e) { *static_cast<std::exception_ptr*>(kept) = e; }, &error}};
};

Task<int> number(int value) {
  co_return value;
}
Task<> mark(bool& reached) {
  reached = true;
  co_return;
}

TEST_F(TaskTest, StartsOnlyWhenItIsAwaited) {
  bool reached = false;
  {
    Task<> task = mark(reached);
    EXPECT_FALSE(task.done());
  }
  EXPECT_FALSE(reached);
  group.spawn(mark(reached));
  run();
  EXPECT_TRUE(reached);
}

Task<> add(int a, int b, int& sum) {
  int first = co_await number(a);
  int second = co_await number(b);
  sum = first + second;
}

TEST_F(TaskTest, GivesItsValueToTheAwaiter) {
  int sum = 0;
  group.spawn(add(2, 3, sum));
  run();
  EXPECT_EQ(sum, 5);
}

Task<std::unique_ptr<int>> boxed() {
  co_return std::make_unique<int>(7);
}

Task<> unbox(int& value) {
  auto box = co_await boxed();
  value = *box;
}

TEST_F(TaskTest, GivesValuesThatCanOnlyBeMoved) {
  int value = 0;
  group.spawn(unbox(value));
  run();
  EXPECT_EQ(value, 7);
}

Task<int> fail(Event& event) {
  co_await event.wait();
  throw std::runtime_error("broken");
}

Task<int> pass_on(Event& event) {
  int value = co_await fail(event);
  co_return value;
}

Task<> catch_it(Event& event, std::string& what) {
  try {
    co_await pass_on(event);
  } catch (const std::runtime_error& e) {
    what = e.what();
  }
}

TEST_F(TaskTest, AnExceptionPassesThroughEveryAwaiter) {
  std::string what;
  group.spawn(catch_it(event, what));
  run();
  event.set();
  run();
  EXPECT_EQ(what, "broken");
}

Task<> fail_at_once() {
  throw std::logic_error("at once");
  co_return;
}

TEST_F(TaskTest, AnExceptionBeforeTheFirstAwaitPassesToo) {
  std::string what;
  auto outer = [](std::string& text) -> Task<> {
    try {
      co_await fail_at_once();
    } catch (const std::logic_error& e) {
      text = e.what();
    }
  };
  group.spawn(outer(what));
  run();
  EXPECT_EQ(what, "at once");
}

TEST_F(TaskTest, CanGoOnAfterCatchingAndAwaitAgain) {
  int sum = 0;
  auto outer = [](int& result) -> Task<> {
    try {
      co_await fail_at_once();
    } catch (const std::logic_error&) {
    }
    int value = co_await number(4);
    result = value;
  };
  group.spawn(outer(sum));
  run();
  EXPECT_EQ(sum, 4);
}

Task<> inner_frame(Event& event, int& alive) {
  Alive here(alive);
  co_await event.wait();
}

Task<> outer_frame(Event& event, int& alive) {
  Alive here(alive);
  co_await inner_frame(event, alive);
}

TEST_F(TaskTest, DestroyingItDestroysEveryFrameBelow) {
  int alive = 0;
  {
    TaskGroup owner(queue);
    owner.spawn(outer_frame(event, alive));
    run();
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
  event.set();
  EXPECT_FALSE(queue.run());
}

TEST_F(TaskTest, DestroyingItWhileItIsReadyButNotResumedResumesNothing) {
  int alive = 0;
  {
    TaskGroup owner(queue);
    owner.spawn(outer_frame(event, alive));
    run();
    event.set();
  }
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(queue.run());
}

TEST_F(TaskTest, ATaskThatNeverStartedFreesItsParameters) {
  auto shared = std::make_shared<int>(1);
  auto hold = [](std::shared_ptr<int> value) -> Task<> {
    EXPECT_TRUE(value);
    co_return;
  };
  {
    Task<> task = hold(shared);
    EXPECT_EQ(shared.use_count(), 2);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

TEST_F(TaskTest, MovingHandsTheFrameOver) {
  bool reached = false;
  Task<> first = mark(reached);
  Task<> second = std::move(first);
  first = std::move(second);
  EXPECT_FALSE(second.done());
  group.spawn(std::move(first));
  run();
  EXPECT_TRUE(reached);
}

TEST_F(TaskTest, AnEmptyTaskIsNotDone) {
  EXPECT_FALSE(Task<>().done());
}

Task<int> chain(int depth) {
  if (depth == 0) co_return 0;
  int below = co_await chain(depth - 1);
  co_return below + 1;
}

TEST_F(TaskTest, AThousandNestedTasksUnwindOneByOne) {
  int depth = 0;
  auto outer = [](int& result) -> Task<> {
    int value = co_await chain(1000);
    result = value;
  };
  group.spawn(outer(depth));
  run();
  EXPECT_EQ(depth, 1000);
}

Task<> step(Event& event) {
  co_await event.wait();
}

Task<> many(Event& event, int count, int& done) {
  for (int i = 0; i < count; ++i) {
    co_await step(event);
    ++done;
  }
}

TEST_F(TaskTest, AMillionAwaitsInARowDoNotGrowTheStack) {
  int done = 0;
  event.set();
  group.spawn(many(event, 1'000'000, done));
  run();
  EXPECT_EQ(done, 1'000'000);
}

}  // namespace
}  // namespace linegate
