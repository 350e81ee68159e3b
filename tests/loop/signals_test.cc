// Signals as values: in order, none lost while nobody waits, waiters that go.
#include "loop/signals.h"

#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "loop/sleep.h"

namespace linegate {
namespace {

Task<int> next(Signals& signals) {
  int number = co_await signals.next();
  co_return number;
}

// Raises once the loop runs; a sleeper keeps the loop awake, as waiting for a signal does not.
Task<std::optional<int>> raise_and_wait(Loop& loop, Signals& signals, int number) {
  std::raise(number);
  auto arrived = co_await with_timeout(loop, 10s, next(signals));
  co_return arrived;
}

TEST(Signals, AreReceivedAsValues) {
  Loop loop;
  Signals signals(loop, {SIGUSR1, SIGUSR2});
  EXPECT_EQ(loop.run(raise_and_wait(loop, signals, SIGUSR2)), SIGUSR2);
  EXPECT_EQ(loop.run(raise_and_wait(loop, signals, SIGUSR1)), SIGUSR1);
}

Task<std::vector<int>> three(Loop& loop, Signals& signals) {
  std::vector<int> all;
  while (all.size() < 3) {
    auto arrived = co_await with_timeout(loop, 10s, next(signals));
    if (!arrived) break;
    all.push_back(*arrived);
  }
  co_return all;
}

TEST(Signals, ThatArriveWhileNobodyWaitsAreKept) {
  Loop loop;
  Signals signals(loop, {SIGUSR1});
  for (int i = 0; i < 3; ++i) std::raise(SIGUSR1);
  EXPECT_EQ(loop.run(three(loop, signals)), (std::vector{SIGUSR1, SIGUSR1, SIGUSR1}));
}

TEST(Signals, WaitingForOneDoesNotKeepTheLoopRunning) {
  Loop loop;
  Signals signals(loop, {SIGUSR1});
  TaskGroup group(loop);
  auto wait = [](Signals& from) -> Task<> {
    co_await from.next();
    ADD_FAILURE() << "no signal was sent";
  };
  group.spawn(wait(signals));
  loop.run();
  EXPECT_EQ(group.size(), 1u);
}

TEST(Signals, AWaiterThatGoesTakesNoSignalWithIt) {
  Loop loop;
  Signals signals(loop, {SIGUSR1});
  auto impatient = [](Loop& where, Signals& from) -> Task<bool> {
    auto arrived = co_await with_timeout(where, 1ms, next(from));
    co_return arrived.has_value();
  };
  EXPECT_FALSE(loop.run(impatient(loop, signals)));
  EXPECT_EQ(loop.run(raise_and_wait(loop, signals, SIGUSR1)), SIGUSR1);
}

Task<> store(Signals& signals, int& number) {
  number = co_await signals.next();
}

TEST(Signals, AWaiterDestroyedAfterTheSignalLeavesItToTheNext) {
  Loop loop;
  Signals signals(loop, {SIGUSR1});
  int first = 0;
  auto mortal = std::make_unique<TaskGroup>(loop);
  mortal->spawn(store(signals, first));
  loop.queue().run();
  std::raise(SIGUSR1);
  uv_check_t after_poll;  // the waiter has been posted then, and not been resumed
  uv_check_init(loop.uv(), &after_poll);
  after_poll.data = &mortal;
  uv_check_start(&after_poll, [](uv_check_t* check) {
    if (Loop::from(check->loop).queue().empty()) return;
    static_cast<std::unique_ptr<TaskGroup>*>(check->data)->reset();
    uv_close(reinterpret_cast<uv_handle_t*>(check), nullptr);
  });
  loop.run();
  EXPECT_EQ(mortal, nullptr);
  EXPECT_EQ(first, 0);
  EXPECT_EQ(loop.run(next(signals)), SIGUSR1);
}

TEST(Signals, ThatCannotBeWatchedAreRefused) {
  Loop loop;
  EXPECT_THROW(Signals(loop, {SIGUSR1, SIGKILL}), std::system_error);
}

TEST(Signals, NobodyWatchesAfterTheEnd) {
  Loop loop;
  std::signal(SIGUSR1, SIG_IGN);
  { Signals signals(loop, {SIGUSR1}); }
  loop.run();
  std::signal(SIGUSR1, SIG_IGN);
  std::raise(SIGUSR1);
}

}  // namespace
}  // namespace linegate
