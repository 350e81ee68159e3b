#include "coro/task_group.h"

#include <cstdio>
#include <utility>

namespace linegate {

// The frame around a spawned task. It starts from the queue and frees itself at its end.
struct TaskGroup::Runner {
  struct promise_type : Root {
    promise_type(TaskGroup& owner, Task<>&, Ref& ref)
        : Root(std::coroutine_handle<promise_type>::from_promise(*this)), group(owner) {
      ref.root_ = this;
      start.frame = frame;
      group.roots_.push_back(*this);
      group.queue_.post(start);
    }
    ~promise_type() { group.left(); }

    Runner get_return_object() { return {}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { group.on_error_.tell(group.on_error_.owner, std::current_exception()); }

    TaskGroup& group;
    Waiter start;
  };
};

void TaskGroup::print_error(void*, std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "linegate: a task ended with an exception: %s\n", e.what());
  } catch (...) {
    std::fputs("linegate: a task ended with an unknown exception\n", stderr);
  }
}

TaskGroup::~TaskGroup() {
  destroy(doomed_);
  destroy(roots_);
}

TaskGroup::Runner TaskGroup::run(TaskGroup&, Task<> task, Ref&) {
  co_await std::move(task);
}

TaskGroup::Ref TaskGroup::spawn(Task<> task) {
  ++size_;
  Ref ref;
  run(*this, std::move(task), ref);
  return ref;
}

void TaskGroup::cancel() {
  doomed_.take(roots_);
  queue_.post(static_cast<Doom&>(*this));
}

void TaskGroup::cancel(Ref task) {
  doomed_.push_back(*task.root_);
  queue_.post(static_cast<Doom&>(*this));
}

void TaskGroup::destroy(List<Root>& roots) {
  while (!roots.empty()) roots.pop_front().frame.destroy();  // out first: what it destroys may cancel again
}

void TaskGroup::left() {
  if (--size_ > 0) return;
  while (!joining_.empty()) queue_.post(joining_.front());
}

}  // namespace linegate
