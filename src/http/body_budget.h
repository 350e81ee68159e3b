// Who is charged for the memory of a response body, from its first byte until it is let go.
#pragma once

#include <cstddef>
#include <utility>

namespace linegate {

// Implemented by whoever has a budget (a client, the process). Must outlive each Response that was charged to
// it.
class BodyBudget {
 public:
  virtual bool grow(
      std::size_t bytes) = 0;  // false: there is no room; the transfer ends with ErrorKind::memory
  virtual void shrink(std::size_t bytes) = 0;  // called from destructors

 protected:
  ~BodyBudget() = default;
};

// What one body has charged. Gives it back when destroyed.
class Charge {
 public:
  Charge() = default;
  explicit Charge(BodyBudget* budget) : budget_(budget) {}
  Charge(Charge&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Charge& operator=(Charge&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Charge() { release(); }

  bool grow(std::size_t bytes) {
    if (!budget_) return true;
    if (!budget_->grow(bytes)) return false;
    bytes_ += bytes;
    return true;
  }
  // Gives everything back and forgets the budget: from now on bytes are free.
  void release() {
    if (budget_ && bytes_) budget_->shrink(bytes_);
    budget_ = nullptr;
    bytes_ = 0;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  BodyBudget* budget_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace linegate
