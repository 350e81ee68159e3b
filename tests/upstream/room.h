// A Gate with its Pace and a clock that the test moves by hand.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "upstream/gate.h"

namespace linegate {

inline const Time kStart = Time{} + 1h;

class HandClock final : public GateClock {
 public:
  Time now() const override { return now_; }
  void call_at(Time when) override {
    asked = when;
    ++calls;
  }

  // Moves on by `step`, and calls admit() at the times that were asked for.
  void advance(Gate& gate, Duration step) {
    const Time end = now_ + step;
    while (asked <= end) {
      now_ = std::max(now_, std::exchange(asked, Time::max()));
      gate.admit();
    }
    now_ = end;
  }

  Time asked = Time::max();
  int calls = 0;

 private:
  Time now_ = kStart;
};

struct Room {
  explicit Room(GateOptions options, PaceOptions how = {}) : pace(how, kStart), gate(options, pace, clock) {}
  void advance(Duration step) { clock.advance(gate, step); }
  Time now() const { return clock.now(); }

  HandClock clock;
  Pace pace;
  Gate gate;
};

class Waiting final : public Gate::Ticket {
 public:
  Waiting(std::string name, std::vector<std::string>& granted, Time patience = Time::max())
      : name_(std::move(name)), granted_(granted), patience_(patience) {}
  std::optional<Gate::Refusal> refused;

 private:
  void on_grant() override { granted_.push_back(name_); }
  void on_refuse(Gate::Refusal reason) override { refused = reason; }
  Time patience() const override { return patience_; }
  std::string name_;
  std::vector<std::string>& granted_;
  Time patience_;
};

}  // namespace linegate
