// Waiting for a flight: deadlines, landing, and callers that go at the worst moment.
#include "upstream/flight.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "../support/run.h"
#include "coro/task_group.h"

namespace linegate {
namespace {

class Owner final : public Flight::Owner {
 public:
  void on_deserted(Flight& /*flight*/) override { ++deserted; }
  void on_gone(Flight& /*flight*/) override { ++gone; }
  int deserted = 0;
  int gone = 0;
};

CallOptions with(UpstreamTimeouts timeouts) {
  CallPolicy policy;
  policy.timeouts = timeouts;
  CallOptions options;
  options.policy = std::make_shared<const CallPolicy>(policy);
  return options;
}

constexpr UpstreamTimeouts kPatient{20s, 20s, 20s, 20s};

// A flight that nobody flies.
struct Site {
  explicit Site(UpstreamTimeouts timeouts = kPatient) : flight(owner, Request{}, with(timeouts)) {}
  Expiry in(Duration limit, Limit whose = Limit::client) {
    return {deadline_after(loop.now(), limit), whose};
  }
  void land(bool shared, bool failed = false) {
    Outcome outcome;
    outcome.response = std::make_shared<Response>();
    outcome.response->status = 200;
    outcome.source = Source::miss;
    flight.land(outcome, shared, failed, loop.now());
  }
  void admit(Duration total) {
    Time now = loop.now();
    flight.admit(deadline_after(now, total), {}, deadline_after(now, 20s));
  }

  Loop loop;
  Owner owner;
  Flight flight;
};

Task<> wait(Site& site, Flight& flight, Expiry until, std::vector<Outcome>& got) {
  FlightWait waiting(site.loop, flight, until, true);
  Outcome outcome = co_await waiting;
  got.push_back(outcome);
}

Task<> wait(Site& site, Expiry until, std::vector<Outcome>& got) {
  return wait(site, site.flight, until, got);
}

TEST(FlightWait, LeavesItsFlightWhenDestroyedWhileWaiting) {
  Site site;
  std::vector<Outcome> got;
  run_test(site.loop, [&]() -> Task<> {
    TaskGroup stays(site.loop);
    TaskGroup goes(site.loop);
    stays.spawn(wait(site, site.in(10s), got));
    goes.spawn(wait(site, site.in(10s), got));
    co_await Yield(site.loop);
    goes.cancel();
    co_await goes.join();
    EXPECT_FALSE(site.flight.deserted());
    EXPECT_EQ(site.owner.deserted, 0);
    stays.cancel();
    co_await stays.join();
    EXPECT_TRUE(site.flight.deserted());
    EXPECT_EQ(site.owner.deserted, 1);
  });
  EXPECT_TRUE(got.empty());
}

TEST(FlightWait, IsDestroyedAfterTheLandingButBeforeItIsResumed) {
  Site site;
  std::vector<Outcome> got;
  run_test(site.loop, [&]() -> Task<> {
    TaskGroup group(site.loop);
    for (int i = 0; i < 3; ++i) group.spawn(wait(site, site.in(10s), got));
    co_await Yield(site.loop);
    site.land(true);
    group.cancel();
    co_await group.join();
    co_await Yield(site.loop);
  });
  EXPECT_TRUE(got.empty());
  EXPECT_EQ(site.owner.deserted, 0);
}

TEST(FlightWait, OutlivesItsFlightOnceThatHasLanded) {
  Site site;
  std::vector<Outcome> got;
  run_test(site.loop, [&]() -> Task<> {
    TaskGroup group(site.loop);
    auto brief = std::make_unique<Flight>(site.owner, Request{}, with(kPatient));
    group.spawn(wait(site, *brief, site.in(10s), got));
    co_await Yield(site.loop);
    Outcome outcome;
    outcome.response = std::make_shared<Response>();
    brief->land(outcome, true, false, site.loop.now());
    brief.reset();
    EXPECT_EQ(site.owner.gone, 1);
    co_await group.join();
  });
  EXPECT_EQ(got.size(), 1u);
  EXPECT_EQ(site.owner.deserted, 0);
}

TEST(FlightWait, IsDestroyedAfterItsDeadlineButBeforeItIsResumed) {
  Site site;
  std::vector<Outcome> got;
  run_test(site.loop, [&]() -> Task<> {
    TaskGroup group(site.loop);
    group.spawn(wait(site, site.in(1s), got));
    co_await Yield(site.loop);
    site.loop.timers().fire(site.loop.now() + 1s);
    EXPECT_EQ(site.owner.deserted, 1);
    group.cancel();
    co_await group.join();
    co_await Yield(site.loop);
  });
  EXPECT_TRUE(got.empty());
  EXPECT_EQ(site.owner.deserted, 1);
}

TEST(FlightWait, EndsByItsOwnDeadlineAndLeaves) {
  Site site;
  std::vector<Outcome> got;
  run_test(site.loop, [&]() -> Task<> {
    site.flight.progress = {Phase::first_byte, true};
    site.flight.so_far.attempts = 2;
    co_await wait(site, site.in(5ms), got);
  });
  const HttpError& error = *got.at(0).response->error;
  EXPECT_EQ(error.kind, ErrorKind::timeout);
  EXPECT_EQ(error.phase, Phase::first_byte);
  EXPECT_EQ(error.limit, Limit::client);
  EXPECT_EQ(error.limit_value, 5ms);
  EXPECT_TRUE(error.sent);
  EXPECT_EQ(got[0].attempts, 2u);
  EXPECT_EQ(site.owner.deserted, 1);
}

TEST(FlightWait, LeavesTheLastWordToAFlightThatEndsWithIt) {
  Site site({.total = 5ms});
  std::vector<Outcome> got;
  run_test(site.loop, [&]() -> Task<> {
    TaskGroup group(site.loop);
    Expiry until = site.in(5ms, Limit::total);
    site.admit(5ms);
    group.spawn(wait(site, until, got));
    co_await sleep(site.loop, 10ms);
    EXPECT_TRUE(got.empty());
    site.land(true);
    co_await group.join();
  });
  EXPECT_EQ(got.at(0).response->status, 200);
}

TEST(FlightWait, EndsAllTheSameIfThatFlightDoesNot) {
  Site site({.total = 5ms});
  std::vector<Outcome> got;
  run_test(site.loop, [&]() -> Task<> {
    Expiry until = site.in(5ms, Limit::total);
    site.admit(5ms);
    co_await wait(site, until, got);
  });
  EXPECT_EQ(got.at(0).response->error->limit, Limit::total);
  EXPECT_EQ(site.owner.deserted, 1);
}

TEST(Flight, GivesAnAnswerThatIsNotSharedToTheFirstOnly) {
  Site site;
  std::vector<Outcome> got;
  run_test(site.loop, [&]() -> Task<> {
    TaskGroup group(site.loop);
    for (int i = 0; i < 3; ++i) group.spawn(wait(site, site.in(10s), got));
    co_await Yield(site.loop);
    site.land(false);
    co_await group.join();
  });
  EXPECT_TRUE(got.at(0).response);
  EXPECT_FALSE(got.at(1).response);
  EXPECT_FALSE(got.at(2).response);
}

TEST(Flight, EndsByTheLatestTotalOfItsCallers) {
  Site site;
  Time now = site.loop.now();
  site.admit(3s);
  site.admit(1s);
  EXPECT_EQ(site.flight.send.clocks.total.at, now + 3s);
  EXPECT_EQ(site.flight.send.clocks.total.limit, 3s);
  EXPECT_EQ(site.flight.patience(), now + 3s);
  site.admit(5s);
  EXPECT_EQ(site.flight.send.clocks.total.at, now + 5s);
}

TEST(Flight, IsPatientAsLongAsTheClientsAre) {
  Site site;
  Time now = site.loop.now();
  site.flight.admit({now + 3s, 3s}, {now + 1s, 1s}, {now + 2s, 2s});
  EXPECT_EQ(site.flight.patience(), now + 1s);
  EXPECT_EQ(site.flight.send.clocks.client.at, Time::max());
  site.flight.admit({now + 3s, 3s}, {now + 2s, 2s}, {now + 2s, 2s});
  EXPECT_EQ(site.flight.patience(), now + 2s);
}

TEST(Flight, WaitsForAPlaceUntilTheLatestQueueClockOfItsCallers) {
  Site site;
  Time now = site.loop.now();
  site.flight.admit({now + 9s, 9s}, {}, {now + 1s, 1s});
  EXPECT_EQ(site.flight.queue_until.deadline.at, now + 1s);
  EXPECT_EQ(site.flight.queue_until.limit, Limit::queue);
  site.flight.admit({now + 9s, 9s}, {}, {now + 2s, 1s});
  EXPECT_EQ(site.flight.queue_until.deadline.at, now + 2s);
  site.flight.progress.phase = Phase::first_byte;  // it has its place
  site.flight.admit({now + 9s, 9s}, {}, {now + 3s, 1s});
  EXPECT_EQ(site.flight.queue_until.deadline.at, now + 2s);
}

TEST(Flight, WaitsForAPlaceNoLongerThanItsTotal) {
  Site site;
  Time now = site.loop.now();
  site.flight.admit({now + 1s, 1s}, {}, {now + 2s, 2s});
  EXPECT_EQ(site.flight.queue_until.deadline.at, now + 1s);
  EXPECT_EQ(site.flight.queue_until.limit, Limit::total);
}

TEST(Flight, HasWhatTheEarlierAttemptsLeftOfTheQueueClock) {
  Site site({.queue = 10s, .connect = 20s, .first_byte = 20s, .total = 20s});
  Time now = site.loop.now();
  site.admit(20s);
  site.flight.so_far.queue = 4s;
  site.flight.wait_again(now);
  EXPECT_EQ(site.flight.queue_until.deadline.at, now + 6s);
  EXPECT_EQ(site.flight.progress.phase, Phase::queue);
  site.flight.so_far.queue = 11s;
  site.flight.wait_again(now);
  EXPECT_EQ(site.flight.queue_until.deadline.at, now);
}

}  // namespace
}  // namespace linegate
