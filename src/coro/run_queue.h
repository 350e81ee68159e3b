// What is ready to run. Whoever learns that a coroutine may go on posts its Waiter here; the loop resumes
// them, one after another, in the order of their posts. Nothing else in the project resumes a coroutine.
// Knows no libuv.
#pragma once

#include <coroutine>

#include "base/compiler.h"
#include "base/link.h"

namespace linegate {

// A suspended coroutine in the one list that it waits in: an event's, a semaphore's, or the RunQueue. It
// lives in the awaiter; destroying that takes it out, so a destroyed frame is never resumed.
class Waiter : public Link {
 public:
  std::coroutine_handle<> frame;
};

// Somebody with frames to destroy that may be running right now (see TaskGroup::cancel).
class Doom : public Link {
 public:
  virtual void execute() = 0;

 protected:
  Doom() = default;
  ~Doom() = default;
};

class RunQueue {
 public:
  // How many awaits in a row may go on without suspending. It keeps one busy client from starving the others,
  // and bounds the stack where symmetric transfer is not a tail call (g++ without optimisation).
  static constexpr int kTurns = 64;

  // Lets `waiter` be resumed, once, by the next run(); it leaves the list that it waited in.
  void post(Waiter& waiter) { ready_.push_back(waiter); }

  // Resumes what is ready now, not what becomes ready meanwhile. False if there was nothing.
  bool run();

  bool empty() const { return ready_.empty() && doomed_.empty(); }

  // For await_ready(): may this coroutine go on without suspending? If not, it posts itself and suspends.
  bool take_turn() {
    if (turns_ == kTurns) return false;
    ++turns_;
    return true;
  }

  // True while a coroutine runs; then its own frame, or one that awaits it, must not be destroyed.
  bool running() const { return running_; }

  // Calls doom.execute(): now, or as soon as the running coroutine has suspended.
  void post(Doom& doom);

 private:
  void execute_dooms();

  List<Waiter> ready_;
  List<Doom> doomed_;
  int turns_ = 0;
  bool running_ = false;
};

}  // namespace linegate
