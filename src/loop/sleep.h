// co_await sleep(loop, 250ms), and co_await with_timeout(loop, 2s, task): asyncio.sleep and asyncio.wait_for.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "base/compiler.h"
#include "coro/run_queue.h"
#include "coro/task.h"
#include "loop/loop.h"

namespace linegate {

// A deadline that posts a coroutine. It belongs to an awaiter.
class WakeUp final : public Timer {
 public:
  explicit WakeUp(Loop& loop) : Timer(loop.timers()), loop_(loop) {}
  Waiter waiter;
  bool fired = false;

 private:
  void on_timer() override {
    fired = true;
    loop_.queue().post(waiter);
  }
  Loop& loop_;
};

class Sleep {
 public:
  Sleep(Loop& loop, Duration duration) : wake_up_(loop), when_(time_after(Clock::now(), duration)) {}
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> frame) {
    wake_up_.waiter.frame = frame;
    wake_up_.arm(when_);
  }
  void await_resume() {}

 private:
  WakeUp wake_up_;
  Time when_;
};

inline Sleep sleep(Loop& loop, Duration duration) {
  return Sleep(loop, duration);
}

// Runs `task` for at most `duration`, then cancels it. Gives std::optional<T>, empty if time ran out; for
// Task<void> a bool, false if time ran out.
template <typename T>
class WithTimeout {
 public:
  using Result = std::conditional_t<std::is_void_v<T>, bool, std::optional<T>>;

  WithTimeout(Loop& loop, Duration duration, Task<T> task)
      : wake_up_(loop), when_(time_after(Clock::now(), duration)), task_(std::move(task)) {}
  bool await_ready() { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) {
    wake_up_.waiter.frame = parent;
    wake_up_.arm(when_);
    return task_.start(parent);
  }
  Result await_resume() {
    wake_up_.cancel();
    wake_up_.waiter.unlink();
    if (!task_.done()) {
      task_ = Task<T>();  // cancels it: its frame waits somewhere, we were resumed by the deadline
      return Result{};
    }
    if constexpr (std::is_void_v<T>) {
      task_.result();
      return true;
    } else {
      return task_.result();
    }
  }

 private:
  WakeUp wake_up_;
  Time when_;
  Task<T> task_;
};

template <typename T>
WithTimeout<T> with_timeout(Loop& loop, Duration duration, Task<T> task) {
  return WithTimeout<T>(loop, duration, std::move(task));
}

}  // namespace linegate
