#include "loop/signals.h"

#include <system_error>

namespace linegate {

Signals::Signals(Loop& loop, std::initializer_list<int> numbers) : loop_(loop) {
  for (int number : numbers) {
    watches_.emplace_back(new Watch{{}, this});
    Watch& watch = *watches_.back();
    uv_signal_init(loop.uv(), &watch.signal);
    watch.signal.data = &watch;
    uv_unref(watch.uv_handle());
    int rc = uv_signal_start(
        &watch.signal,
        [](uv_signal_t* signal, int arrived) {
          auto* owner = static_cast<Watch*>(signal->data)->owner;
          if (owner) owner->arrived(arrived);
        },
        number);
    if (rc < 0) throw std::system_error(-rc, std::generic_category(), "cannot watch a signal");
  }
}

void Signals::arrived(int number) {
  arrived_.push_back(number);
  if (waiting_) loop_.queue().post(*waiting_);
}

int Signals::Next::await_resume() {
  signals_.waiting_ = nullptr;
  int number = signals_.arrived_.front();
  signals_.arrived_.pop_front();
  return number;
}

}  // namespace linegate
