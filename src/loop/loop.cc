#include "loop/loop.h"

#include <cassert>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace linegate {
namespace {

uv_handle_t* as_handle(auto& handle) {
  return reinterpret_cast<uv_handle_t*>(&handle);
}

std::uint64_t whole_ms(Duration duration) {
  auto ms = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return ms < 1
             ? 1
             : static_cast<std::uint64_t>(ms);  // never 0: libuv < 1.48 spins on re-armed zero timers (#4245)
}

}  // namespace

Loop::Loop() : uv_(new uv_loop_t), scratch_(new char[kScratch]) {
  std::signal(SIGPIPE, SIG_IGN);
  if (int rc = uv_loop_init(uv_.get()); rc < 0) {
    throw std::system_error(-rc, std::generic_category(), "cannot create an event loop");
  }
  uv_->data = this;
  uv_prepare_init(uv(), &prepare_);
  uv_idle_init(uv(), &idle_);
  uv_timer_init(uv(), &timer_);
  prepare_.data = idle_.data = timer_.data = this;
  uv_prepare_start(&prepare_, [](uv_prepare_t* h) { static_cast<Loop*>(h->data)->before_sleep(); });
  uv_unref(as_handle(prepare_));
}

Loop::~Loop() {
  for (uv_handle_t* h : {as_handle(prepare_), as_handle(idle_), as_handle(timer_)}) {
    uv_close(h, nullptr);
  }
  if (abandoned_) {
    for (int i = 0; i < 3; ++i) uv_run(uv(), UV_RUN_NOWAIT);
    static_cast<void>(uv_.release());  // the thread pool still points to it
    return;
  }
  while (uv_run(uv(), UV_RUN_DEFAULT) != 0) continue;  // more than once only where uv_stop()'s mark was left
  if (uv_loop_close(uv()) != 0) {
    std::fputs("linegate: bug: the event loop is destroyed while something still uses it:\n", stderr);
    uv_print_all_handles(uv(), stderr);
    std::abort();
  }
}

void Loop::add(Hook& hook, Stage stage) {
  (stage == Stage::transfers ? transfers_ : flushes_).push_back(hook);
}

void Loop::run() {
  stopped_ = false;
  do {
    before_sleep();  // not in uv_run() alone: that returns at once while only coroutines keep the loop going
    uv_run(uv(), UV_RUN_DEFAULT);  // after a stop(), too: that takes uv_stop()'s mark away
  } while (!stopped_ && (!queue_.empty() || timers_.next()));
}

void Loop::run_until(const bool& done) {
  done_ = &done;
  run();
  done_ = nullptr;
  if (!done) throw std::runtime_error("the task waits for something that cannot happen any more");
}

void Loop::stop() {
  stopped_ = true;
  uv_stop(uv());
}

bool Loop::run_hooks(List<Hook>& hooks) {
  bool worked = false;
  hooks.for_each([&](Hook& hook) { worked |= hook.before_sleep(); });
  return worked;
}

// What has arrived comes before what is due: after a stall (a long computation, a throttled container) an
// answer that came in time is no timeout. For the same reason nothing is due that was not when the loop
// awoke: its sockets have not been looked at since.
bool Loop::pass(Time awoke) {
  now_ = Clock::now();
  bool worked = run_hooks(transfers_);
  worked |= timers_.fire(awoke);
  worked |= queue_.run();
  return worked || run_hooks(flushes_);
}

void Loop::before_sleep() {
  work();
  now_ = Time{};  // libuv may sleep now: whoever is called back next asks the clock
}

// A stopped or frozen process wakes with EINTR, after which libuv returns without having asked for events.
// What arrived meanwhile is to be seen before anything is overdue.
bool Loop::must_poll_first(Time awoke) {
  auto next = timers_.next();
  polling_first_ = !polling_first_ && next && awoke - *next > kStall;
  return polling_first_;
}

void Loop::come_back_at_once() {
  uv_idle_start(&idle_, [](uv_idle_t*) {});  // keeps libuv from sleeping
}

void Loop::work() {
  Time awoke = Clock::now();
  if (must_poll_first(awoke)) return come_back_at_once();
  for (int i = 0; i < kPasses; ++i) {
    if (pass(awoke) || !queue_.empty()) continue;
    uv_idle_stop(&idle_);
    arm_timer();
    if (done_ && *done_) stop();
    return;
  }
  if (done_ && *done_) stop();
  run_hooks(flushes_);
  come_back_at_once();  // there is more to do
}

void Loop::arm_timer() {
  auto next = timers_.next();
  if (!next) {
    if (armed_ != Time{}) uv_timer_stop(&timer_);
    armed_ = Time{};
    return;
  }
  if (armed_ != Time{} && armed_ <= *next) return;  // it wakes early once, and is armed anew then
  armed_ = *next;
  uv_update_time(uv());
  uv_timer_start(
      &timer_,
      [](uv_timer_t* h) {
        static_cast<Loop*>(h->data)->armed_ = Time{};
      },  // before_sleep() fires what is due
      whole_ms(*next - Clock::now()), 0);
}

}  // namespace linegate
