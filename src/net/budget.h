// What all clients hold together: one number with one limit. Above the limit no new work is begun; at 1.25
// times the limit the server closes the client that holds most.
#pragma once

#include <cstddef>

namespace linegate {

class Budget {
 public:
  explicit Budget(std::size_t limit) : limit_(limit) {}

  void add(std::size_t bytes) { used_ += bytes; }
  void give_back(std::size_t bytes) { used_ -= bytes; }

  std::size_t used() const { return used_; }
  bool full() const { return used_ > limit_; }
  bool burst() const { return used_ > limit_ + limit_ / 4; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};

}  // namespace linegate
