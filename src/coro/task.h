// Task<T>: a lazy coroutine. It starts when it is awaited, resumes its awaiter when it is done, and owns its
// frame: destroying a Task cancels what it was doing. Clean-up code in a coroutine can therefore not co_await
// (unlike asyncio's CancelledError): it belongs into destructors.
//
// A Task is awaited once, as an rvalue: `auto reply = co_await session.get(url);`. Its parameters are values,
// or references to what outlives it. Exceptions pass to the awaiter.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/compiler.h"

namespace linegate {

template <typename T = void>
class Task;

namespace detail {

class TaskPromiseBase {
 public:
  std::suspend_always initial_suspend() noexcept { return {}; }

  struct ResumeAwaiter {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) noexcept {
      return finished.promise().continuation;
    }
    void await_resume() noexcept {}
  };
  ResumeAwaiter final_suspend() noexcept { return {}; }

  std::coroutine_handle<> continuation = std::noop_coroutine();
};

template <typename T>
class TaskPromise : public TaskPromiseBase {
 public:
  Task<T> get_return_object();
  template <typename U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  void unhandled_exception() { exception_ = std::current_exception(); }
  T result() {
    if (exception_) std::rethrow_exception(exception_);
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
  std::exception_ptr exception_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  Task<void> get_return_object();
  void return_void() {}
  void unhandled_exception() { exception_ = std::current_exception(); }
  void result() {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::exception_ptr exception_;
};

}  // namespace detail

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using value_type = T;

  Task() = default;
  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  bool done() const { return frame_ && frame_.done(); }

  // For awaiters that run a task themselves (see with_timeout): starts it; `parent` goes on when it is done.
  std::coroutine_handle<> start(std::coroutine_handle<> parent) {
    frame_.promise().continuation = parent;
    return frame_;
  }
  T result() { return frame_.promise().result(); }

  auto operator co_await() && {
    struct Awaiter {
      Task& task;
      bool await_ready() { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) { return task.start(parent); }
      T await_resume() { return task.result(); }
    };
    return Awaiter{*this};
  }

 private:
  std::coroutine_handle<promise_type> frame_;
};

template <typename T>
Task<T> detail::TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

inline Task<void> detail::TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

}  // namespace linegate
