#include "loop/timers.h"

#include <algorithm>
#include <utility>

namespace linegate {
namespace {

constexpr std::size_t kChildren = 4;

}  // namespace

void Timer::arm(Time when) {
  deadline_ = when;
  armed() ? timers_.moved(*this) : timers_.insert(*this);
}

void Timer::cancel() {
  if (armed()) timers_.remove(*this);
}

bool Timers::fire(Time now) {
  int fired = 0;
  while (fired < kAtOnce && !heap_.empty() && heap_.front().deadline <= now) {
    Timer& timer = *heap_.front().timer;
    timer.cancel();
    timer.on_timer();  // `timer` may be gone after this
    ++fired;
  }
  return fired > 0;
}

std::optional<Time> Timers::next() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().deadline;
}

void Timers::insert(Timer& timer) {
  heap_.emplace_back();
  sift(heap_.size() - 1, {timer.deadline_, &timer});
}

// Its deadline has changed.
void Timers::moved(Timer& timer) {
  sift(timer.slot_, {timer.deadline_, &timer});
}

void Timers::remove(Timer& timer) {
  std::size_t slot = std::exchange(timer.slot_, Timer::kNone);
  Entry last = heap_.back();
  heap_.pop_back();
  if (slot < heap_.size()) sift(slot, last);
}

// Puts `entry` where it belongs: at `slot`, which is free, or above it, or below it.
void Timers::sift(std::size_t slot, Entry entry) {
  while (slot > 0) {
    std::size_t parent = (slot - 1) / kChildren;
    if (heap_[parent].deadline <= entry.deadline) break;
    place(slot, heap_[parent]);
    slot = parent;
  }
  for (;;) {
    std::size_t first = kChildren * slot + 1;
    if (first >= heap_.size()) break;
    std::size_t least = first;
    for (std::size_t child = first + 1; child < std::min(first + kChildren, heap_.size()); ++child) {
      if (heap_[child].deadline < heap_[least].deadline) least = child;
    }
    if (entry.deadline <= heap_[least].deadline) break;
    place(slot, heap_[least]);
    slot = least;
  }
  place(slot, entry);
}

void Timers::place(std::size_t slot, Entry entry) {
  heap_[slot] = entry;
  entry.timer->slot_ = slot;
}

}  // namespace linegate
