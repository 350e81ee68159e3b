// Loop: what keeps it running and what ends it, hooks, fairness towards I/O, what now() says.
#include "loop/loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "coro/event.h"
#include "loop/handle.h"
#include "loop/sleep.h"

namespace linegate {
namespace {

Task<int> seven() {
  co_return 7;
}

TEST(Loop, RunsATaskAndGivesItsResult) {
  Loop loop;
  EXPECT_EQ(loop.run(seven()), 7);
}

Task<int> seven_later(Loop& loop) {
  co_await sleep(loop, 1ms);
  co_return 7;
}

TEST(Loop, RunsTasksOneAfterAnother) {
  Loop loop;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(loop.run(seven()), 7);
    EXPECT_EQ(loop.run(seven_later(loop)), 7);
  }
}

Task<> fail() {
  throw std::logic_error("broken");
  co_return;
}

TEST(Loop, ThrowsWhatTheTaskThrew) {
  Loop loop;
  EXPECT_THROW(loop.run(fail()), std::logic_error);
  EXPECT_EQ(loop.run(seven()), 7);
}

Task<> wait_for(Event& event) {
  co_await event.wait();
}

TEST(Loop, SaysSoWhenATaskCanNeverEnd) {
  Loop loop;
  Event never(loop);
  EXPECT_THROW(loop.run(wait_for(never)), std::runtime_error);
}

TEST(Loop, EndsByItselfWhenNothingIsLeft) {
  Loop loop;
  loop.run();
}

TEST(Loop, CanBeDestroyedWithoutHavingRun) {
  Loop loop;
}

Task<> count_down(Event& event, int& left) {
  while (left > 0) {
    co_await event.wait();
    --left;
  }
}

TEST(Loop, CoroutinesAloneKeepItRunning) {
  Loop loop;
  Event set(loop);
  set.set();
  TaskGroup group(loop);
  int left = RunQueue::kTurns * Loop::kPasses * 3;
  group.spawn(count_down(set, left));
  loop.run();
  EXPECT_EQ(left, 0);
}

class Repeating final : public Timer {
 public:
  Repeating(Loop& loop, int times) : Timer(loop.timers()), left(times) { arm(Clock::now() + 1ms); }
  int left;

 private:
  void on_timer() override {
    if (--left > 0) arm(deadline() + 1ms);
  }
};

TEST(Loop, ATimerThatArmsItselfAnewKeepsItRunning) {
  Loop loop;
  Repeating timer(loop, 5);
  loop.run();
  EXPECT_EQ(timer.left, 0);
}

TEST(Loop, ACancelledTimerDoesNotKeepItRunning) {
  Loop loop;
  Repeating timer(loop, 1);
  timer.arm(Clock::now() + 1h);
  loop.run(seven_later(loop));
  timer.cancel();
  loop.run();  // would take the hour
  EXPECT_EQ(timer.left, 1);
}

Task<> stop_at_once(Loop& loop, Event& set, int& turns) {
  loop.stop();
  for (;;) {
    ++turns;
    co_await set.wait();
  }
}

TEST(Loop, StopEndsItAndItCanRunAgain) {
  Loop loop;
  int turns = 0;
  Event set(loop);
  set.set();
  {
    TaskGroup group(loop);
    group.spawn(stop_at_once(loop, set, turns));
    loop.run();
  }
  EXPECT_GT(turns, 0);
  EXPECT_EQ(loop.run(seven_later(loop)), 7);
}

class CountingHook final : public Hook {
 public:
  CountingHook(std::string& order, char name, int work) : order_(order), name_(name), work_(work) {}
  bool before_sleep() override {
    order_ += name_;
    return work_-- > 0;
  }

 private:
  std::string& order_;
  char name_;
  int work_;
};

TEST(Loop, FlushesOnlyWhenNothingElseIsLeftToDo) {
  Loop loop;
  std::string order;
  CountingHook transfer(order, 't', 2), flush(order, 'f', 1);
  loop.add(transfer, Loop::Stage::transfers);
  loop.add(flush, Loop::Stage::flush);
  loop.run();
  EXPECT_EQ(order.substr(0, 6), "tttftf");
}

TEST(Loop, ABusyHookDoesNotKeepClientsFromBeingFlushed) {
  Loop loop;
  std::string order;
  CountingHook transfer(order, 't', 100), flush(order, 'f', 0);
  loop.add(transfer, Loop::Stage::transfers);
  loop.add(flush, Loop::Stage::flush);
  loop.run();
  EXPECT_EQ(order.substr(0, 9), "ttttttttf");
}

TEST(Loop, AHookThatIsDestroyedLeaves) {
  Loop loop;
  std::string order;
  {
    CountingHook hook(order, 'x', 0);
    loop.add(hook, Loop::Stage::flush);
  }
  loop.run();
  EXPECT_EQ(order, "");
}

// A pipe whose reading end is watched by the loop.
struct Watched {
  explicit Watched(Loop& owner) : loop(owner) {
    EXPECT_EQ(::pipe(ends), 0);
    uv_poll_init(loop.uv(), &poll, ends[0]);
    poll.data = this;
    uv_poll_start(&poll, UV_READABLE, [](uv_poll_t* handle, int, int) {
      auto& self = *static_cast<Watched*>(handle->data);
      char byte;
      EXPECT_EQ(::read(self.ends[0], &byte, 1), 1);
      self.told = self.loop.now();
      self.event.set();
      uv_poll_stop(handle);
    });
  }
  ~Watched() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  uv_handle_t* uv_handle() { return reinterpret_cast<uv_handle_t*>(&poll); }
  void closing() {}

  Loop& loop;
  int ends[2];
  uv_poll_t poll;
  Event event{loop};
  Time told{};
};

TEST(Loop, InACallbackNowIsWhenItAwokeNotWhenItFellAsleep) {
  Loop loop;
  Handle<Watched> watched(new Watched(loop));
  Time written;
  std::thread writer([&] {
    std::this_thread::sleep_for(20ms);  // let it fall asleep; the test holds whether it did or not
    written = Clock::now();
    EXPECT_EQ(::write(watched->ends[1], "x", 1), 1);
  });
  loop.run(wait_for(watched->event));
  writer.join();
  EXPECT_GE(watched->told, written);
}

Task<> spin_until(Event& set, Event& done, bool& ended) {
  while (!done.is_set()) co_await set.wait();
  ended = true;
}

TEST(Loop, ABusyCoroutineDoesNotKeepIoFromHappening) {
  Loop loop;
  Handle<Watched> watched(new Watched(loop));
  ASSERT_EQ(::write(watched->ends[1], "x", 1), 1);
  Event set(loop);
  set.set();
  bool ended = false;
  loop.run(spin_until(set, watched->event, ended));
  EXPECT_TRUE(ended);
}

TEST(Loop, NowStandsStillWhileCoroutinesRun) {
  Loop loop;
  auto look = [](Loop& where) -> Task<bool> {
    Time first = where.now();
    Time start = Clock::now();
    while (Clock::now() - start < 1ms) continue;
    co_return where.now() == first;
  };
  EXPECT_TRUE(loop.run(look(loop)));
}

TEST(Loop, NowMovesOnFromPassToPass) {
  Loop loop;
  auto look = [](Loop& where) -> Task<bool> {
    Time first = where.now();
    while (Clock::now() - first < 1ms) continue;
    for (int i = 0; i <= RunQueue::kTurns; ++i) {
      Event set(where);
      set.set();
      co_await set.wait();  // gives its turn up once
    }
    co_return where.now() >= first + 1ms;
  };
  EXPECT_TRUE(loop.run(look(loop)));
}

TEST(Loop, IsFoundFromItsUvLoop) {
  Loop loop;
  EXPECT_EQ(&Loop::from(loop.uv()), &loop);
  EXPECT_EQ(loop.scratch().size(), 64u * 1024);
}

TEST(LoopDeathTest, AHandleThatIsLeftBehindIsAnAssertion) {
  EXPECT_DEATH(
      {
        uv_timer_t left_behind;
        Loop loop;
        uv_timer_init(loop.uv(), &left_behind);
      },
      "the event loop is destroyed while something still uses it");
}

TEST(Loop, WhenAbandonedItNeitherWaitsNorChecks) {
  uv_timer_t left_behind;
  uv_loop_t* uv;
  {
    Loop loop;
    uv = loop.uv();
    uv_timer_init(uv, &left_behind);
    uv_timer_start(
        &left_behind, [](uv_timer_t*) {}, 3'600'000, 0);
    loop.abandon();
    EXPECT_TRUE(loop.abandoned());
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&left_behind), nullptr);
  uv_run(uv, UV_RUN_DEFAULT);
  EXPECT_EQ(uv_loop_close(uv), 0);
  delete uv;
}

}  // namespace
}  // namespace linegate
