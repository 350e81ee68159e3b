// Signals as values: `Signals signals(loop, {SIGTERM, SIGINT}); int number = co_await signals.next();`
#pragma once

#include <deque>
#include <initializer_list>
#include <vector>

#include "base/compiler.h"
#include "coro/run_queue.h"
#include "loop/handle.h"
#include "loop/loop.h"

namespace linegate {

class Signals {
 public:
  // Watches until destroyed, which must be after the task that waits. Waiting for a signal does not keep
  // Loop::run() going. Throws std::system_error for what cannot be watched, such as SIGKILL.
  Signals(Loop& loop, std::initializer_list<int> numbers);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  class Next {
   public:
    explicit Next(Signals& signals) : signals_(signals) {}
    ~Next() {
      if (signals_.waiting_ == &waiter_) signals_.waiting_ = nullptr;
    }
    bool await_ready() { return !signals_.arrived_.empty(); }
    void await_suspend(std::coroutine_handle<> frame) {
      waiter_.frame = frame;
      signals_.waiting_ = &waiter_;
    }
    int await_resume();

   private:
    Signals& signals_;
    Waiter waiter_;
  };

  // One waiter at a time.
  Next next() { return Next(*this); }

 private:
  struct Watch {
    uv_signal_t signal;
    Signals* owner;
    uv_handle_t* uv_handle() { return reinterpret_cast<uv_handle_t*>(&signal); }
    void closing() { owner = nullptr; }
  };
  void arrived(int number);

  Loop& loop_;
  std::vector<Handle<Watch>> watches_;
  std::deque<int> arrived_;
  Waiter* waiting_ = nullptr;
};

}  // namespace linegate
