#include "daemon/reply_order.h"

#include <algorithm>
#include <utility>

namespace linegate::daemon {
namespace {

constexpr std::uint32_t kKept = 16;  // slots that one keeps while nothing is open

}  // namespace

ReplyOrder::Turn ReplyOrder::open() {
  if (end_ - first_ == capacity_) grow();
  slot(end_).done = false;
  return end_++;
}

void ReplyOrder::grow() {
  std::uint32_t wider = std::max(2 * capacity_, std::uint32_t{2});
  auto slots = std::make_unique<Slot[]>(wider);
  for (Turn turn = first_; turn != end_; ++turn) slots[turn & (wider - 1)] = std::move(slot(turn));
  slots_ = std::move(slots);
  capacity_ = wider;
}

std::size_t ReplyOrder::wait(Turn turn) {
  slot(turn).done = true;
  return held(slot(turn));
}

std::size_t ReplyOrder::close(Turn turn, Buffer& out) {
  std::size_t released = 0;
  for (first_ = turn + 1; first_ != end_ && slot(first_).done; ++first_) {
    Slot& next = slot(first_);
    released += held(next);
    out.append(next.line.view());
    next.line.release();
  }
  if (first_ == end_ && capacity_ > kKept) {
    slots_.reset();
    capacity_ = 0;
  }
  return released;
}

}  // namespace linegate::daemon
