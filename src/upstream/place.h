// Waiting for a place at a Gate, bounded by a deadline that may be moved while it waits. An awaiter:
// destroying it leaves the queue, or gives back what was granted meanwhile. Not part of the interface.
#pragma once

#include <coroutine>
#include <cstdint>

#include "base/compiler.h"
#include "coro/run_queue.h"
#include "http/clocks.h"
#include "loop/loop.h"
#include "loop/timers.h"
#include "upstream/gate.h"

namespace linegate {

class Place final : Gate::Ticket, Timer {
 public:
  enum class Verdict { granted, full, too_late, expired };

  // `until` must outlive it; its owner may make it later, never earlier.
  Place(Loop& loop, Gate& gate, std::uint64_t client, const Expiry& until)
      : Timer(loop.timers()), loop_(loop), gate_(gate), client_(client), until_(until) {}

  // co_await place; then take() if it was granted.
  bool await_ready() { return false; }
  bool await_suspend(std::coroutine_handle<> frame) {
    waiter_.frame = frame;
    if (!gate_.enqueue(*this, client_)) {
      verdict_ = Verdict::full;
      return false;
    }
    if (!granted()) wait();
    return true;
  }
  Verdict await_resume() { return verdict_; }

  using Gate::Ticket::take;

 private:
  void wait() {
    if (until_.deadline.at != Time::max()) arm(until_.deadline.at);
  }
  void on_grant() override {
    cancel();
    loop_.queue().post(waiter_);
  }
  void on_refuse(Gate::Refusal reason) override {
    cancel();
    verdict_ = reason == Gate::Refusal::full ? Verdict::full : Verdict::too_late;
    loop_.queue().post(waiter_);
  }
  Time patience() const override { return until_.deadline.at; }
  void on_timer() override {
    if (until_.deadline.at > loop_.now()) return wait();  // it was moved meanwhile
    give_up();
    verdict_ = Verdict::expired;
    loop_.queue().post(waiter_);
  }

  Loop& loop_;
  Gate& gate_;
  std::uint64_t client_;
  const Expiry& until_;
  Verdict verdict_ = Verdict::granted;
  Waiter waiter_;
};

}  // namespace linegate
