// Semaphore: a number of permits, given in the order of asking (asyncio.Semaphore). A permit is a value that
// gives itself back when it is destroyed. Permits and waiters must be gone before the semaphore.
#pragma once

#include <cstddef>
#include <utility>

#include "base/compiler.h"
#include "coro/run_queue.h"

namespace linegate {

class Semaphore {
 public:
  Semaphore(RunQueue& queue, std::size_t permits) : queue_(queue), free_(permits) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  class [[nodiscard]] Permit {
   public:
    Permit() = default;
    explicit Permit(Semaphore& semaphore) : semaphore_(&semaphore) {}
    Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(semaphore_, other.semaphore_);
      return *this;
    }
    ~Permit() { release(); }
    void release() {
      if (semaphore_) std::exchange(semaphore_, nullptr)->give_back();
    }

   private:
    Semaphore* semaphore_ = nullptr;
  };

  class Acquire : Waiter {
   public:
    explicit Acquire(Semaphore& semaphore) : semaphore_(semaphore) {}
    bool await_ready() { return semaphore_.free_ > 0 && semaphore_.queue_.take_turn() && take(); }
    void await_suspend(std::coroutine_handle<> handle) {
      frame = handle;
      if (semaphore_.free_ > 0) {
        take();
        semaphore_.queue_.post(*this);
      } else {
        semaphore_.waiting_.push_back(*this);
      }
    }
    Permit await_resume() { return std::move(permit_); }

   private:
    friend class Semaphore;
    bool take() {
      --semaphore_.free_;
      permit_ = Permit(semaphore_);
      return true;
    }
    Semaphore& semaphore_;
    Permit permit_;  // granted, not yet resumed: goes back if the awaiter is destroyed
  };

  // auto permit = co_await semaphore.acquire();
  Acquire acquire() { return Acquire(*this); }

  std::size_t free() const { return free_; }

 private:
  void give_back() {
    ++free_;
    if (waiting_.empty()) return;
    auto& next = static_cast<Acquire&>(waiting_.front());
    next.take();
    queue_.post(next);
  }

  RunQueue& queue_;
  List<Waiter> waiting_;
  std::size_t free_;
};

}  // namespace linegate
