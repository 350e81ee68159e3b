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
    void unhandled_exception() { group.on_error_(std::current_exception()); }

    TaskGroup& group;
    Waiter start;
  };
};

namespace {

void print_error(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "linegate: a task ended with an exception: %s\n", e.what());
  } catch (...) {
    std::fputs("linegate: a task ended with an unknown exception\n", stderr);
  }
}

}  // namespace

TaskGroup::TaskGroup(RunQueue& queue, ErrorHandler on_error)
    : queue_(queue), on_error_(on_error ? std::move(on_error) : ErrorHandler(print_error)), idle_(queue) {
  idle_.set();
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
  idle_.clear();
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
  if (--size_ == 0) idle_.set();
}

}  // namespace linegate
