#include "loop/timers.h"

#include <utility>

namespace linegate {

void Timer::arm(Time when) {
  deadline_ = when;
  armed() ? timers_.moved(*this) : timers_.insert(*this);
}

void Timer::cancel() {
  if (armed()) timers_.remove(*this);
}

bool Timers::fire(Time now) {
  int fired = 0;
  while (fired < kAtOnce && !heap_.empty() && heap_.front()->deadline_ <= now) {
    Timer& timer = *heap_.front();
    timer.cancel();
    timer.on_timer();  // `timer` may be gone after this
    ++fired;
  }
  return fired > 0;
}

std::optional<Time> Timers::next() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front()->deadline_;
}

void Timers::place(Timer* timer, std::size_t slot) {
  heap_[slot] = timer;
  timer->slot_ = slot;
}

void Timers::insert(Timer& timer) {
  heap_.push_back(&timer);
  timer.slot_ = heap_.size() - 1;
  sift_up(timer.slot_);
}

// Its deadline has changed: only one of the two does anything.
void Timers::moved(Timer& timer) {
  sift_up(timer.slot_);
  sift_down(timer.slot_);
}

void Timers::remove(Timer& timer) {
  std::size_t slot = std::exchange(timer.slot_, Timer::kNone);
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  place(last, slot);
  sift_up(slot);
  sift_down(last->slot_);
}

void Timers::sift_up(std::size_t slot) {
  Timer* timer = heap_[slot];
  while (slot > 0) {
    std::size_t parent = (slot - 1) / 2;
    if (heap_[parent]->deadline_ <= timer->deadline_) break;
    place(heap_[parent], slot);
    slot = parent;
  }
  place(timer, slot);
}

void Timers::sift_down(std::size_t slot) {
  Timer* timer = heap_[slot];
  for (;;) {
    std::size_t child = 2 * slot + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->deadline_ < heap_[child]->deadline_) ++child;
    if (timer->deadline_ <= heap_[child]->deadline_) break;
    place(heap_[child], slot);
    slot = child;
  }
  place(timer, slot);
}

}  // namespace linegate
