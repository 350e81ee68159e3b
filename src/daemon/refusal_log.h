// What the server refuses and closes, in the log: the first of a kind at once, more of it once a second with
// a count.
#pragma once

#include <string_view>

#include "daemon/repeated.h"
#include "loop/loop.h"
#include "loop/timers.h"
#include "net/address.h"

namespace linegate::daemon {

class RefusalLog final : Timer {
 public:
  explicit RefusalLog(Loop& loop) : Timer(loop.timers()), loop_(loop) {}
  ~RefusalLog() override { tell_counts(Time::max()); }

  // `what` is "refused" or "closed"; `reason` is the program's own words.
  void tell(std::string_view what, const Peer& peer, std::string_view reason);

 private:
  void on_timer() override { tell_counts(loop_.now()); }
  void tell_counts(Time now);

  Loop& loop_;
  Repeated repeated_;
};

}  // namespace linegate::daemon
