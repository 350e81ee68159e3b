// Runs a test that is a coroutine: on one loop, bounded in time, the loop closed clean at the end (its
// destructor asserts that). Not for tests that need no loop.
#pragma once

#include <gtest/gtest.h>

#include <utility>

#include "coro/task.h"
#include "loop/loop.h"
#include "loop/sleep.h"

namespace linegate {

inline Task<bool> in_time(Loop& loop, Task<> body) {
  auto done = co_await with_timeout(loop, 30s, std::move(body));
  co_return done;
}

// `body` is a callable that returns a Task<>; what it captures outlives the task.
template <typename Body>
void run_test(Loop& loop, Body body) {
  EXPECT_TRUE(loop.run(in_time(loop, body()))) << "the test hangs";
}

// co_await Yield(loop): to the end of the queue.
class Yield {
 public:
  explicit Yield(Loop& loop) : loop_(loop) {}
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> frame) {
    waiter_.frame = frame;
    loop_.queue().post(waiter_);
  }
  void await_resume() {}

 private:
  Loop& loop_;
  Waiter waiter_;
};

// Lets the loop look at its sockets at least once.
inline Task<> io_turn(Loop& loop) {
  for (int i = 0; i < 2 * Loop::kPasses; ++i) co_await Yield(loop);
}

// Until `met()`; it lets the loop work meanwhile.
template <typename Condition>
Task<> until(Loop& loop, Condition met) {
  while (!met()) co_await sleep(loop, 1ms);
}

}  // namespace linegate
