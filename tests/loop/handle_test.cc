// Handle: closes, and frees in the close callback, not before.
#include "loop/handle.h"

#include <gtest/gtest.h>

#include "loop/loop.h"

namespace linegate {
namespace {

struct Clockwork {
  Clockwork(Loop& loop, int& alive_count, int& closing_count) : alive(alive_count), closings(closing_count) {
    uv_timer_init(loop.uv(), &timer);
    timer.data = this;
    ++alive;
  }
  ~Clockwork() { --alive; }
  uv_handle_t* uv_handle() { return reinterpret_cast<uv_handle_t*>(&timer); }
  void closing() { ++closings; }

  uv_timer_t timer;
  int& alive;
  int& closings;
};

TEST(Handle, FreesItsObjectInTheCloseCallback) {
  Loop loop;
  int alive = 0, closings = 0;
  Handle<Clockwork> handle(new Clockwork(loop, alive, closings));
  handle.reset();
  EXPECT_EQ(closings, 1);
  EXPECT_EQ(alive, 1);
  loop.run();
  EXPECT_EQ(alive, 0);
}

TEST(Handle, TheLoopsDestructorWaitsForTheCloseCallback) {
  int alive = 0, closings = 0;
  {
    Loop loop;
    Handle<Clockwork> handle(new Clockwork(loop, alive, closings));
  }
  EXPECT_EQ(alive, 0);
}

TEST(Handle, NoTimerFiresAfterItWasDropped) {
  Loop loop;
  int alive = 0, closings = 0;
  Handle<Clockwork> handle(new Clockwork(loop, alive, closings));
  uv_timer_start(
      &handle->timer, [](uv_timer_t*) { ADD_FAILURE() << "fired after close"; }, 1, 0);
  handle.reset();
  loop.run();
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace linegate
