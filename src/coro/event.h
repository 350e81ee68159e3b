// Event: set once, everybody who waits goes on; stays set until cleared (asyncio.Event).
#pragma once

#include "base/compiler.h"
#include "coro/run_queue.h"

namespace linegate {

class Event {
 public:
  explicit Event(RunQueue& queue) : queue_(queue) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void set() {
    set_ = true;
    while (!waiting_.empty()) queue_.post(waiting_.front());
  }
  void clear() { set_ = false; }
  bool is_set() const { return set_; }

  class Wait {
   public:
    explicit Wait(Event& event) : event_(event) {}
    bool await_ready() { return event_.set_ && event_.queue_.take_turn(); }
    void await_suspend(std::coroutine_handle<> frame) {
      waiter_.frame = frame;
      if (event_.set_) {
        event_.queue_.post(waiter_);
      } else {
        event_.waiting_.push_back(waiter_);
      }
    }
    void await_resume() {}

   private:
    Event& event_;
    Waiter waiter_;
  };

  // co_await event.wait(). The event must outlive the wait.
  Wait wait() { return Wait(*this); }

 private:
  RunQueue& queue_;
  List<Waiter> waiting_;
  bool set_ = false;
};

}  // namespace linegate
