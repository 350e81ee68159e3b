// Waiting for a place on a loop: deadlines that are moved, a pace that is waited for.
#include "upstream/place.h"

#include <gtest/gtest.h>

#include <optional>

#include "coro/task_group.h"
#include "loop/sleep.h"
#include "upstream/gate_timer.h"

namespace linegate {
namespace {

struct Site {
  explicit Site(GateOptions options = {.max_in_flight = 1, .max_queue = 9}, PaceOptions how = {})
      : pace(how, loop.now()), timer(loop, gate), gate(options, pace, timer) {}
  Expiry in(Duration limit) { return {deadline_after(loop.now(), limit), Limit::queue}; }

  Loop loop;
  Pace pace;
  GateTimer timer;
  Gate gate;
};

Task<Place::Verdict> wait(Site& site, const Expiry& until) {
  Place place(site.loop, site.gate, 1, until);
  auto verdict = co_await place;
  co_return verdict;
}

Task<> wait_in_vain(Site& site, const Expiry& until) {
  Place place(site.loop, site.gate, 1, until);
  co_await place;
}

Task<> pass(Site& site, Duration duration) {
  co_await sleep(site.loop, duration);
}

Task<> move_after(Site& site, Duration delay, Expiry& until, Time to) {
  co_await sleep(site.loop, delay);
  until.deadline.at = to;
}

Task<> release_after(Site& site, Duration delay, Gate::Permit& permit) {
  co_await sleep(site.loop, delay);
  permit.release();
}

TEST(Place, ExpiresAtItsDeadline) {
  Site site;
  auto taken = site.gate.try_enter();
  const Expiry until = site.in(5ms);
  EXPECT_EQ(site.loop.run(wait(site, until)), Place::Verdict::expired);
  EXPECT_GE(Clock::now(), until.deadline.at);
  EXPECT_EQ(site.gate.waiting(), 0u);
}

TEST(Place, WaitsOnWhenItsDeadlineIsMoved) {
  Site site;
  auto taken = site.gate.try_enter();
  Expiry until = site.in(5ms);
  const Time later = until.deadline.at + 15ms;
  TaskGroup group(site.loop);
  group.spawn(move_after(site, 1ms, until, later));
  EXPECT_EQ(site.loop.run(wait(site, until)), Place::Verdict::expired);
  EXPECT_GE(Clock::now(), later);
}

TEST(Place, WaitsForEverWhenItsDeadlineIsTakenAway) {
  Site site;
  auto taken = site.gate.try_enter();
  Expiry until = site.in(5ms);
  TaskGroup group(site.loop);
  group.spawn(move_after(site, 1ms, until, Time::max()));
  group.spawn(release_after(site, 20ms, taken));
  EXPECT_EQ(site.loop.run(wait(site, until)), Place::Verdict::granted);
}

TEST(Place, IsRefusedByAFullQueue) {
  Site site({.max_in_flight = 0, .max_queue = 0});
  const Expiry until = site.in(1h);
  EXPECT_EQ(site.loop.run(wait(site, until)), Place::Verdict::full);
}

TEST(Place, IsGrantedWhenTheNextTokenIsThere) {
  Site site({.max_in_flight = 9, .max_queue = 9}, {.per_second = 100, .burst = 1});
  auto first = site.gate.try_enter();
  ASSERT_TRUE(first);
  const Time due = site.loop.now() + 9ms;
  const Expiry until = site.in(1h);
  EXPECT_EQ(site.loop.run(wait(site, until)), Place::Verdict::granted);
  EXPECT_GE(Clock::now(), due);
}

TEST(Place, LeavesTheQueueWhenDestroyed) {
  Site site;
  auto taken = site.gate.try_enter();
  const Expiry until = site.in(1h);
  {
    TaskGroup group(site.loop);
    group.spawn(wait_in_vain(site, until));
    site.loop.run(pass(site, 1ms));
    EXPECT_EQ(site.gate.waiting(), 1u);
  }
  EXPECT_EQ(site.gate.waiting(), 0u);
}

}  // namespace
}  // namespace linegate
