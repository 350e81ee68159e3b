// Unshared: requests whose answers lately were not for everybody (no-store, private). Those who ask the same
// do not wait for each other's answer then, only to find that they must ask alone. Remembers some, by a hash,
// for a minute: what it forgets, or takes for another, costs a wait or a request, never a wrong answer. Pure:
// time is passed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace linegate {

class Unshared {
 public:
  static constexpr Duration kFor = 60s;
  static constexpr std::size_t kSlots = 1024;  // allocated with the first

  // `hash` is a RequestKey's.
  void note(std::uint64_t hash, Time now) {
    if (slots_.empty()) slots_.resize(kSlots);
    slots_[hash % kSlots] = {hash, now + kFor};
  }
  void forget(std::uint64_t hash) {
    if (!slots_.empty() && slots_[hash % kSlots].hash == hash) slots_[hash % kSlots] = {};
  }
  bool knows(std::uint64_t hash, Time now) const {
    if (slots_.empty()) return false;
    const Slot& slot = slots_[hash % kSlots];
    return slot.hash == hash && now < slot.until;
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    Time until{};
  };
  std::vector<Slot> slots_;
};

}  // namespace linegate
