// The event loop of one thread: a uv_loop_t, what is ready to run, and what is due. Callbacks record and
// post; once per iteration, just before libuv would sleep, before_sleep() resumes everything ready, lets the
// HTTP bridge work and flushes the clients. One place resumes, one place writes.
#pragma once

#include <uv.h>

#include <memory>
#include <span>
#include <utility>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/link.h"
#include "coro/run_queue.h"
#include "coro/task.h"
#include "coro/task_group.h"
#include "loop/timers.h"

namespace linegate {

// Work that is done once per pass of before_sleep(). Owned by whoever derives from it; leaves the loop when
// destroyed.
class Hook : public Link {
 public:
  // True if something was done that may have made coroutines ready.
  virtual bool before_sleep() = 0;

 protected:
  Hook() = default;
  ~Hook() = default;
};

class Loop {
 public:
  enum class Stage {
    transfers,  // in each pass, before the due deadlines and the ready coroutines
    flush,      // once nothing else is left to do: one write per client and iteration
  };

  static constexpr int kPasses = 8;  // of before_sleep(), before I/O gets a chance again

  // Throws std::system_error. Ignores SIGPIPE for the process.
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  // Everything that uses the loop must be gone or closing: waits for the last close callback and asserts that
  // nothing is left (which makes each test a leak test), unless abandon() was called.
  ~Loop();

  // Runs until nothing is left that could wake it.
  void run();

  // asyncio.run(): runs until `task` is done and returns what it returned or throws what it threw.
  template <typename T>
  T run(Task<T> task);

  // Ends run() after the current iteration.
  void stop();

  // Roughly now, for deadlines: when this pass of before_sleep() began, or the callbacks before it. Asks the
  // clock once for many.
  Time now() const {
    if (now_ == Time{}) now_ = Clock::now();
    return now_;
  }

  uv_loop_t* uv() { return uv_.get(); }
  RunQueue& queue() { return queue_; }
  operator RunQueue&() { return queue_; }
  Timers& timers() { return timers_; }

  void add(Hook& hook, Stage stage);

  // 64 KiB that any read callback may use until it returns.
  std::span<char> scratch() { return {scratch_.get(), kScratch}; }

  // Something with a pending libuv request that cannot be cancelled (a name lookup that hangs) has to be left
  // behind: the destructor then neither waits for it nor frees the uv_loop_t. The process should end by
  // _exit().
  void abandon() { abandoned_ = true; }
  bool abandoned() const { return abandoned_; }

  static Loop& from(uv_loop_t* uv) { return *static_cast<Loop*>(uv->data); }

 private:
  static constexpr std::size_t kScratch = 64 * 1024;
  static constexpr Duration kStall = 50ms;  // a deadline that is so late says that the process stood still

  bool must_poll_first(Time awoke);
  bool pass(Time awoke);
  static bool run_hooks(List<Hook>& hooks);
  void before_sleep();
  void work();
  void come_back_at_once();
  void arm_timer();
  void run_until(const bool& done);

  std::unique_ptr<uv_loop_t> uv_;
  uv_prepare_t prepare_;
  uv_idle_t idle_;
  uv_timer_t timer_;
  RunQueue queue_;
  Timers timers_;
  List<Hook> transfers_;
  List<Hook> flushes_;
  std::unique_ptr<char[]> scratch_;
  mutable Time now_{};          // Time{} = not asked yet
  Time armed_{};                // the deadline that timer_ is set to; Time{} = none
  const bool* done_ = nullptr;  // what run_until() waits for
  bool polling_first_ = false;
  bool stopped_ = false;
  bool abandoned_ = false;
};

namespace detail {

// Runs a task to its end, leaving its result in it.
template <typename T>
struct Finish {
  Task<T>& task;
  bool await_ready() { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) { return task.start(parent); }
  void await_resume() {}
};

template <typename T>
Task<> finish(Task<T>& task, bool& done) {
  co_await Finish<T>{task};
  done = true;
}

}  // namespace detail

template <typename T>
T Loop::run(Task<T> task) {
  bool done = false;
  TaskGroup group(queue_);
  group.spawn(detail::finish(task, done));
  run_until(done);
  return task.result();
}

}  // namespace linegate
