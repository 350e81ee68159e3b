// Waiting for a place at a Gate, bounded by a deadline. An awaiter: destroying it leaves the queue, or gives
// back what was granted meanwhile. Not part of the interface.
#pragma once

#include <coroutine>
#include <cstdint>

#include "base/compiler.h"
#include "coro/run_queue.h"
#include "loop/loop.h"
#include "loop/timers.h"
#include "upstream/gate.h"

namespace linegate {

class Place final : Gate::Ticket, Timer {
 public:
  enum class Verdict { granted, full, expired };

  Place(Loop& loop, Gate& gate, std::uint64_t client, Time until)
      : Timer(loop.timers()), loop_(loop), gate_(gate), client_(client), until_(until) {}

  // co_await place; then take() if it was granted.
  bool await_ready() { return false; }
  bool await_suspend(std::coroutine_handle<> frame) {
    waiter_.frame = frame;
    if (!gate_.enqueue(*this, client_)) {
      verdict_ = Verdict::full;
      return false;
    }
    if (!granted() && until_ != Time::max()) arm(until_);
    return true;
  }
  Verdict await_resume() { return verdict_; }

  using Gate::Ticket::take;

 private:
  void on_grant() override {
    cancel();
    loop_.queue().post(waiter_);
  }
  void on_timer() override {
    give_up();
    verdict_ = Verdict::expired;
    loop_.queue().post(waiter_);
  }

  Loop& loop_;
  Gate& gate_;
  std::uint64_t client_;
  Time until_;
  Verdict verdict_ = Verdict::granted;
  Waiter waiter_;
};

}  // namespace linegate
