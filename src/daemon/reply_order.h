// The order of text replies without an @id: each has a slot from the moment its line is read, and goes out
// when all slots before it have gone (protocol.md section 4). Owned by a Connection; knows no sockets.
#pragma once

#include <cstddef>
#include <deque>
#include <string_view>

#include "base/buffer.h"

namespace linegate::daemon {

class ReplyOrder {
 public:
  struct Slot {
    Buffer line;  // the reply, if it came before its turn
    bool done = false;
  };

  // The next place in the order. Valid until its reply has gone out.
  Slot& open() { return slots_.emplace_back(); }

  // Whether a reply to `slot` may be written at once; then write it, and call close().
  bool first(const Slot& slot) const { return &slots_.front() == &slot; }

  // What a finished reply that waits for its turn costs, in bytes.
  static std::size_t held(const Slot& slot) { return slot.line.capacity() + sizeof(Slot); }

  // The reply in `slot` is complete: if it is the first, it and all done ones behind it move to `out`.
  // Returns held() of those that waited.
  std::size_t close(Slot& slot, Buffer& out);

 private:
  std::deque<Slot> slots_;  // a deque keeps references valid while its ends change
};

}  // namespace linegate::daemon
