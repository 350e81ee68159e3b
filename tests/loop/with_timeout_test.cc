// with_timeout(): in time, too late, thrown, destroyed at each moment.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "coro/event.h"
#include "loop/sleep.h"

namespace linegate {
namespace {

struct Alive {
  explicit Alive(int& counter) : count(counter) { ++count; }
  ~Alive() { --count; }
  int& count;
};

Task<int> slow(Loop& loop, Duration duration, int& alive) {
  Alive here(alive);
  co_await sleep(loop, duration);
  co_return 7;
}

Task<> nap(Loop& loop, Duration duration) {
  co_await sleep(loop, duration);
}

Task<std::optional<int>> limited(Loop& loop, Duration limit, Duration duration, int& alive) {
  auto value = co_await with_timeout(loop, limit, slow(loop, duration, alive));
  EXPECT_EQ(alive, 0) << "a task that ran out of time is gone when its awaiter goes on";
  co_return value;
}

class WithTimeoutTest : public testing::Test {
 protected:
  Loop loop;
  int alive = 0;
};

TEST_F(WithTimeoutTest, GivesTheValueOfATaskThatIsInTime) {
  EXPECT_EQ(loop.run(limited(loop, 1h, 1ms, alive)), 7);
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(loop.timers().next());
}

TEST_F(WithTimeoutTest, GivesNothingAndCancelsTheTaskWhenTimeRunsOut) {
  EXPECT_EQ(loop.run(limited(loop, 1ms, 1h, alive)), std::nullopt);
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(loop.timers().next());
}

Task<bool> limited_nap(Loop& loop, Duration limit, Duration duration) {
  bool in_time = co_await with_timeout(loop, limit, nap(loop, duration));
  co_return in_time;
}

TEST_F(WithTimeoutTest, ForATaskWithoutAValueItIsABool) {
  EXPECT_TRUE(loop.run(limited_nap(loop, 1h, 1ms)));
  EXPECT_FALSE(loop.run(limited_nap(loop, 1ms, 1h)));
}

Task<int> at_once() {
  co_return 3;
}

TEST_F(WithTimeoutTest, ATaskThatNeedsNoTimeIsInTimeEvenWithoutAny) {
  auto run = [](Loop& where) -> Task<std::optional<int>> {
    auto value = co_await with_timeout(where, 0s, at_once());
    co_return value;
  };
  EXPECT_EQ(loop.run(run(loop)), 3);
  EXPECT_FALSE(loop.timers().next());
}

Task<int> fail(Loop& loop, bool late) {
  if (late) co_await sleep(loop, 1ms);
  throw std::runtime_error("broken");
}

Task<std::string> catch_failure(Loop& loop, bool late) {
  try {
    co_await with_timeout(loop, 1h, fail(loop, late));
  } catch (const std::runtime_error& e) {
    co_return e.what();
  }
  co_return "";
}

TEST_F(WithTimeoutTest, AnExceptionPasses) {
  EXPECT_EQ(loop.run(catch_failure(loop, false)), "broken");
  EXPECT_EQ(loop.run(catch_failure(loop, true)), "broken");
  EXPECT_FALSE(loop.timers().next());
}

Task<> keep(Loop& loop, Duration limit, Duration duration, int& alive, std::optional<int>& value,
            bool& resumed) {
  value = co_await with_timeout(loop, limit, slow(loop, duration, alive));
  resumed = true;
}

TEST_F(WithTimeoutTest, DestroyedWhileItWaitsItLeavesNothing) {
  std::optional<int> value;
  bool resumed = false;
  {
    TaskGroup group(loop);
    group.spawn(keep(loop, 1h, 1h, alive, value, resumed));
    loop.queue().run();
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(loop.timers().next());
}

TEST_F(WithTimeoutTest, DestroyedAfterTheDeadlineButBeforeItGoesOn) {
  std::optional<int> value;
  bool resumed = false;
  {
    TaskGroup group(loop);
    group.spawn(keep(loop, 1s, 1h, alive, value, resumed));
    loop.queue().run();
    loop.timers().fire(Clock::now() + 2s);
    EXPECT_FALSE(loop.queue().empty());
  }
  EXPECT_FALSE(resumed);
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(loop.queue().empty());
}

TEST_F(WithTimeoutTest, WhenBothAreDueAtOnceTheAwaiterGoesOnOnce) {
  for (auto [limit, duration] : {std::pair<Duration, Duration>{1s, 2s}, {2s, 1s}}) {
    std::optional<int> value;
    bool resumed = false;
    TaskGroup group(loop);
    group.spawn(keep(loop, limit, duration, alive, value, resumed));
    loop.queue().run();
    loop.timers().fire(Clock::now() + 1min);
    while (loop.queue().run()) continue;
    EXPECT_TRUE(resumed);
    EXPECT_EQ(value.has_value(), duration < limit);
    EXPECT_TRUE(group.empty());
    EXPECT_EQ(alive, 0);
  }
}

TEST_F(WithTimeoutTest, TheLongestTimeOfAllIsNever) {
  auto quick = [](Loop& where) -> Task<bool> {
    auto in_time = co_await with_timeout(where, Duration::max(), nap(where, 1ms));
    co_return in_time;
  };
  EXPECT_TRUE(loop.run(quick(loop)));
}

TEST_F(WithTimeoutTest, TimeoutsNest) {
  auto outer = [](Loop& where) -> Task<bool> {
    bool in_time = co_await with_timeout(where, 1h, nap(where, 1h));
    co_return in_time;
  };
  auto run = [](Loop& where, Task<bool> inner) -> Task<std::optional<bool>> {
    auto value = co_await with_timeout(where, 1ms, std::move(inner));
    co_return value;
  };
  EXPECT_EQ(loop.run(run(loop, outer(loop))), std::nullopt);
  EXPECT_FALSE(loop.timers().next());
}

}  // namespace
}  // namespace linegate
