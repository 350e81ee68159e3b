#include "coro/run_queue.h"

namespace linegate {

bool RunQueue::run() {
  if (empty()) return false;
  execute_dooms();
  List<Waiter> now;
  now.take(ready_);
  while (!now.empty()) {
    Waiter& waiter = now.pop_front();
    turns_ = 0;
    running_ = true;
    waiter.frame.resume();  // `waiter` may be gone after this
    running_ = false;
    execute_dooms();
  }
  turns_ = 0;
  return true;
}

void RunQueue::post(Doom& doom) {
  doomed_.push_back(doom);
  if (!running_) execute_dooms();
}

void RunQueue::execute_dooms() {
  while (!doomed_.empty()) doomed_.pop_front().execute();
}

}  // namespace linegate
