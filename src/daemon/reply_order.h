// The order of text replies without an @id: each has a turn from the moment its line is read, and goes out
// when all turns before it have gone (protocol.md section 4). Owned by a Connection; knows no sockets. Takes
// no memory before the first turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/buffer.h"

namespace linegate::daemon {

class ReplyOrder {
 public:
  using Turn = std::uint32_t;  // counts, and wraps around: far fewer are open at a time

  // The next place in the order. Valid until its reply has gone out.
  Turn open();

  // Whether the reply of `turn` may be written at once; then write it, and call close().
  bool first(Turn turn) const { return turn == first_; }

  // Otherwise it is written here, once, and wait() called: it goes out at its turn. wait() tells what that
  // costs, in bytes.
  Buffer& line(Turn turn) { return slot(turn).line; }
  std::size_t wait(Turn turn);

  // The reply of `turn`, which is the first, is written: the complete ones behind it move to `out`. Returns
  // what those had cost.
  std::size_t close(Turn turn, Buffer& out);

 private:
  struct Slot {
    Buffer line;  // the reply, if it came before its turn
    bool done = false;
  };
  static std::size_t held(const Slot& slot) { return slot.line.capacity() + sizeof(Slot); }
  Slot& slot(Turn turn) { return slots_[turn & (capacity_ - 1)]; }
  void grow();

  std::unique_ptr<Slot[]> slots_;  // a ring
  std::uint32_t capacity_ = 0;     // a power of two, or 0
  Turn first_ = 0;
  Turn end_ = 0;
};

}  // namespace linegate::daemon
