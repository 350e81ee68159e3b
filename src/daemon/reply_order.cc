#include "daemon/reply_order.h"

namespace linegate::daemon {

std::size_t ReplyOrder::close(Slot& slot, Buffer& out) {
  slot.done = true;
  std::size_t released = 0;
  while (!slots_.empty() && slots_.front().done) {
    if (&slots_.front() != &slot) released += held(slots_.front());
    out.append(slots_.front().line.view());
    slots_.pop_front();
  }
  return released;
}

}  // namespace linegate::daemon
