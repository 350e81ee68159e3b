// TaskGroup: the owner of background work (of a server, a client, an upstream). What is spawned runs until it
// is done or until the group goes. A task that throws ends alone; the group's error handler is told.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>

#include "base/compiler.h"
#include "coro/run_queue.h"
#include "coro/task.h"

namespace linegate {

class TaskGroup final : Doom {
  struct Root;

 public:
  // Told of each exception that a task let escape: a function, and whom it is for. Each client has several
  // groups, so it is two words, where a std::function would be four.
  struct ErrorHandler {
    void (*tell)(void* owner, std::exception_ptr error) = nullptr;
    void* owner = nullptr;
  };

  // Without a handler an exception is one line on stderr.
  explicit TaskGroup(RunQueue& queue, ErrorHandler on_error = {print_error, nullptr})
      : queue_(queue), on_error_(on_error) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  // Cancels what still runs. Must not be reached from within one of the group's own tasks.
  ~TaskGroup();

  // Names one spawned task, until it ends; whoever keeps it must know when that is.
  class Ref {
    friend class TaskGroup;
    Root* root_ = nullptr;
  };

  // Takes the task over; it starts at the next run of the queue.
  Ref spawn(Task<> task);

  // Destroys all tasks, or one: now, or, when called from a running coroutine, as soon as that has suspended.
  void cancel();
  void cancel(Ref task);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  class Join {
   public:
    explicit Join(TaskGroup& group) : group_(group) {}
    bool await_ready() { return group_.empty() && group_.queue_.take_turn(); }
    void await_suspend(std::coroutine_handle<> frame) {
      waiter_.frame = frame;
      if (group_.empty()) {
        group_.queue_.post(waiter_);
      } else {
        group_.joining_.push_back(waiter_);
      }
    }
    void await_resume() {}

   private:
    TaskGroup& group_;
    Waiter waiter_;
  };

  // co_await group.join(): until the group is empty.
  Join join() { return Join(*this); }

  static void print_error(void* nobody, std::exception_ptr error);

 private:
  // The outermost frame of a spawned task.
  struct Root : Link {
    explicit Root(std::coroutine_handle<> handle) : frame(handle) {}
    std::coroutine_handle<> frame;
  };
  struct Runner;
  static Runner run(TaskGroup& group, Task<> task, Ref& ref);
  static void destroy(List<Root>& roots);
  void execute() override { destroy(doomed_); }
  void left();

  RunQueue& queue_;
  ErrorHandler on_error_;
  List<Root> roots_;
  List<Root> doomed_;  // cancelled from within a running coroutine
  List<Waiter> joining_;
  std::size_t size_ = 0;
};

}  // namespace linegate
