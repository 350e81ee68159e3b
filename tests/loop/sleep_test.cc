// sleep(): not too short, in order, and gone with its frame.
#include "loop/sleep.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "coro/event.h"

namespace linegate {
namespace {

Task<> nap(Loop& loop, Duration duration) {
  co_await sleep(loop, duration);
}

TEST(Sleep, TakesAtLeastAsLongAsAsked) {
  Loop loop;
  Time before = Clock::now();
  loop.run(nap(loop, 15ms));
  EXPECT_GE(Clock::now() - before, 15ms);
}

TEST(Sleep, ForNoTimeOrLessStillSuspendsOnce) {
  Loop loop;
  loop.run(nap(loop, 0s));
  loop.run(nap(loop, -5s));
}

Task<> note_after(Loop& loop, Duration duration, std::vector<int>& log, int number) {
  co_await sleep(loop, duration);
  log.push_back(number);
}

TEST(Sleep, TheShorterWakesFirst) {
  Loop loop;
  std::vector<int> log;
  TaskGroup group(loop);
  group.spawn(note_after(loop, 20ms, log, 3));
  group.spawn(note_after(loop, 1ms, log, 1));
  group.spawn(note_after(loop, 10ms, log, 2));
  loop.run();
  EXPECT_EQ(log, (std::vector{1, 2, 3}));
}

TEST(Sleep, DestroyedWhileItSleepsItLeavesNothing) {
  Loop loop;
  std::vector<int> log;
  {
    TaskGroup group(loop);
    group.spawn(note_after(loop, 1h, log, 1));
    loop.queue().run();
    EXPECT_TRUE(loop.timers().next());
  }
  EXPECT_FALSE(loop.timers().next());
  loop.run();
  EXPECT_TRUE(log.empty());
}

TEST(Sleep, DestroyedWhenItIsDueButNotResumedItIsNotResumed) {
  Loop loop;
  std::vector<int> log;
  {
    TaskGroup group(loop);
    group.spawn(note_after(loop, 0s, log, 1));
    loop.queue().run();
    loop.timers().fire(Clock::now() + 1s);
    EXPECT_FALSE(loop.queue().empty());
  }
  EXPECT_TRUE(loop.queue().empty());
  EXPECT_TRUE(log.empty());
}

TEST(Sleep, AThousandSleepersShareTheLoop) {
  Loop loop;
  std::vector<int> log;
  TaskGroup group(loop);
  for (int i = 0; i < 1'000; ++i) group.spawn(note_after(loop, std::chrono::microseconds(i), log, i));
  loop.run();
  EXPECT_EQ(log.size(), 1'000u);
}

}  // namespace
}  // namespace linegate
