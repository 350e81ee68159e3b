// Deadlines in one heap: setting, moving and cancelling one costs no system call. Time is passed in; the Loop
// asks next() and arms its one uv_timer_t.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace linegate {

class Timers;

// One deadline, embedded in what it concerns. on_timer() records and posts; it runs no user code. Destroying
// a Timer cancels it.
class Timer {
 public:
  explicit Timer(Timers& timers) : timers_(timers) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Fires once, at `when`; replaces an earlier deadline.
  void arm(Time when);
  void cancel();
  bool armed() const { return slot_ != kNone; }
  Time deadline() const { return deadline_; }

 protected:
  virtual ~Timer() { cancel(); }  // virtual for g++, which otherwise warns of the friend
  virtual void on_timer() = 0;

 private:
  friend class Timers;
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  Timers& timers_;
  Time deadline_{};
  std::size_t slot_ = kNone;
};

// A heap of four children a node. It holds the deadlines themselves: comparing them touches none of the
// timers, thousands of which lie in frames that nobody has looked at for long.
class Timers {
 public:
  Timers() = default;
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  // Timers fired in one go. A timer that always arms itself for now is then no endless loop.
  static constexpr int kAtOnce = 1024;

  // Fires what is due at `now`, earliest first. False if nothing was; true means to ask again.
  bool fire(Time now);

  std::optional<Time> next() const;

 private:
  friend class Timer;
  struct Entry {
    Time deadline;
    Timer* timer;
  };

  void insert(Timer& timer);
  void remove(Timer& timer);
  void moved(Timer& timer);
  void sift(std::size_t slot, Entry entry);
  void place(std::size_t slot, Entry entry);

  std::vector<Entry> heap_;
};

}  // namespace linegate
