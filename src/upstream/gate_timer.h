// GateTimer: the GateClock of a Gate that lives on a Loop. Not part of the interface.
#pragma once

#include "loop/loop.h"
#include "loop/timers.h"
#include "upstream/gate.h"

namespace linegate {

class GateTimer final : public GateClock, Timer {
 public:
  // `gate` is only called, and may be built after this.
  GateTimer(Loop& loop, Gate& gate) : Timer(loop.timers()), loop_(loop), gate_(gate) {}

  Time now() const override { return loop_.now(); }
  void call_at(Time when) override {
    cancel();
    if (when != Time::max()) arm(when);
  }

 private:
  void on_timer() override { gate_.admit(); }

  Loop& loop_;
  Gate& gate_;
};

}  // namespace linegate
