// A second attempt where the first is slow: who wins, what becomes of the loser, when there is none, through
// an Upstream against a real server.
#include <gtest/gtest.h>

#include "calls.h"

namespace linegate {
namespace {

CallPolicy hedging(Duration after = 10ms, double budget = 1) {
  CallPolicy policy = patient();
  policy.hedge = HedgeOptions{.p95 = false, .after = after, .budget = budget};
  return policy;
}

// The n-th connection is answered with the n-th text once the n-th latch is set.
struct Lane {
  Latch open;
  std::string answer;
  std::atomic<bool> hung_up{false};
};

ScriptedApi::Script lanes(Lane& first, Lane& second) {
  return [&](ScriptedApi::Connection& connection) {
    Lane& lane = connection.number == 0 ? first : second;
    if (connection.read_request().empty()) return;
    lane.open.wait();
    connection.send(lane.answer);
    connection.wait_for_end();
    lane.hung_up = true;
  };
}

struct Site {
  Site(std::string one, std::string two, GateOptions gate = {}, PaceOptions pace = {})
      : upstream(session, options(gate, pace)) {
    first.answer = std::move(one);
    second.answer = std::move(two);
  }
  ~Site() {
    first.open.set();
    second.open.set();
  }
  UpstreamOptions options(GateOptions gate, PaceOptions pace) {
    UpstreamOptions made = to(api);
    made.gate = gate;
    made.pace = pace;
    return made;
  }

  Lane first;
  Lane second;
  ScriptedApi api{lanes(first, second)};
  Loop loop;
  Session session{loop};
  Upstream upstream;
};

TEST(Hedging, TakesTheSecondAnswerWhenThatIsFirst) {
  Site site(reply("1"), reply("2"));
  site.second.open.set();
  run_test(site.loop, [&]() -> Task<> {
    auto outcome = co_await site.upstream.call(request(), with(hedging()));
    EXPECT_EQ(told(outcome), "200 miss");
    EXPECT_EQ(outcome.response->body, "2");
    EXPECT_EQ(outcome.attempts, 2u);
    EXPECT_EQ(site.upstream.in_flight(), 0u);
    EXPECT_EQ(site.session.active(), 0u);
    site.first.open.set();
    co_await until(site.loop, [&] { return site.first.hung_up.load(); });
  });
  EXPECT_EQ(site.upstream.stats().hedges, 1u);
  EXPECT_EQ(site.upstream.stats().attempts, 2u);
  EXPECT_EQ(site.upstream.stats().retries, 0u);
}

TEST(Hedging, TakesTheFirstAnswerWhenThatIsFirst) {
  Site site(reply("1"), reply("2"));
  run_test(site.loop, [&]() -> Task<> {
    Caller caller(site.loop, site.upstream, request(), with(hedging()));
    co_await until(site.loop, [&] { return site.api.request_count() == 2; });
    site.first.open.set();
    co_await caller.end();
    EXPECT_EQ(caller.outcome().response->body, "1");
    EXPECT_EQ(caller.outcome().attempts, 2u);
    EXPECT_EQ(site.session.active(), 0u);
  });
}

TEST(Hedging, AsksOnceWhereTheAnswerIsQuick) {
  Site site(reply("1"), reply("2"));
  site.first.open.set();
  run_test(site.loop, [&]() -> Task<> {
    auto outcome = co_await site.upstream.call(request(), with(hedging(10s)));
    EXPECT_EQ(outcome.attempts, 1u);
  });
  EXPECT_EQ(site.upstream.stats().hedges, 0u);
}

TEST(Hedging, IsForWhatHasNoEffect) {
  for (const char* method : {"POST", "PUT", "DELETE"}) {
    Site site(reply("1"), reply("2"));
    CallPolicy policy = hedging(1ms);
    policy.timeouts.total = 50ms;
    run_test(site.loop,
             [&]() -> Task<> { co_await site.upstream.call(request("/x", method), with(policy)); });
    EXPECT_EQ(site.api.request_count(), 1u);
  }
}

TEST(Hedging, IsForAllWhoShareTheFlight) {
  Site site(reply("1"), reply("2"));
  site.second.open.set();
  run_test(site.loop, [&]() -> Task<> {
    Callers callers;
    add(callers, site.loop, site.upstream, 3, with(hedging()));
    co_await all(callers);
    for (auto& caller : callers) EXPECT_EQ(caller->outcome().response->body, "2");
  });
  EXPECT_EQ(site.upstream.stats().hedges, 1u);
}

TEST(Hedging, KeepsToItsBudget) {
  ScriptedApi api(in_turn({""}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  CallPolicy policy = hedging(1ms, 0.5);
  policy.timeouts.total = 40ms;
  run_test(loop, [&]() -> Task<> {
    for (int i = 0; i < 4; ++i) co_await upstream.call(request(), with(policy));
  });
  EXPECT_EQ(upstream.stats().hedges, 2u);
  EXPECT_EQ(api.request_count(), 6u);
}

// A rate that has one token: a place is free, but the second attempt is refused by the pace.
TEST(Hedging, WaitsForTheFirstWhenTheSecondIsRefused) {
  Site site(reply("1"), reply("2"), {}, {.per_second = 0.01, .burst = 1});
  run_test(site.loop, [&]() -> Task<> {
    Caller caller(site.loop, site.upstream, request(), with(hedging()));
    co_await until(site.loop, [&] { return site.upstream.stats().hedges == 1; });
    co_await io_turn(site.loop);
    EXPECT_FALSE(caller.answered());
    site.first.open.set();
    co_await caller.end();
    EXPECT_EQ(caller.told(), "200 miss");
    EXPECT_EQ(caller.outcome().attempts, 1u);
  });
  EXPECT_EQ(site.upstream.stats().rate_limited, 0u);
}

TEST(Hedging, AsksNoSecondTimeWhereThereIsNoPlace) {
  Site site(reply("1"), reply("2"), {.max_in_flight = 1, .max_queue = 9});
  run_test(site.loop, [&]() -> Task<> {
    Caller caller(site.loop, site.upstream, request(), with(hedging()));
    co_await until(site.loop, [&] { return site.api.request_count() == 1; });
    Time began = site.loop.now();
    co_await until(site.loop, [&] { return site.loop.now() >= began + 50ms; });
    EXPECT_EQ(site.upstream.queued(), 0u);
    site.first.open.set();
    co_await caller.end();
    EXPECT_EQ(caller.outcome().response->body, "1");
  });
  EXPECT_EQ(site.upstream.stats().hedges, 0u);
  EXPECT_EQ(site.api.request_count(), 1u);
}

TEST(Hedging, AsksNoSecondTimeWhileOthersWaitForAPlace) {
  Site site(reply("1"), reply("2"), {.max_in_flight = 1, .max_queue = 9});
  run_test(site.loop, [&]() -> Task<> {
    Caller caller(site.loop, site.upstream, request("/a"), with(hedging(100ms)));
    co_await until(site.loop, [&] { return site.api.request_count() == 1; });
    Caller other(site.loop, site.upstream, request("/b"), with(patient()));
    Time began = site.loop.now();
    co_await until(site.loop, [&] { return site.loop.now() >= began + 150ms; });
    EXPECT_EQ(site.upstream.queued(), 1u);
    caller.leave();
    other.leave();
  });
  EXPECT_EQ(site.upstream.stats().hedges, 0u);
}

TEST(Hedging, WaitsForTheSecondWhenTheFirstFails) {
  Site site(reply("1", "503 Busy"), reply("2"));
  run_test(site.loop, [&]() -> Task<> {
    Caller caller(site.loop, site.upstream, request(), with(hedging()));
    co_await until(site.loop, [&] { return site.api.request_count() == 2; });
    site.first.open.set();
    co_await until(site.loop, [&] { return site.session.active() == 1; });
    co_await io_turn(site.loop);
    EXPECT_FALSE(caller.answered());
    site.second.open.set();
    co_await caller.end();
    EXPECT_EQ(caller.told(), "200 miss");
  });
}

TEST(Hedging, FailsWhenBothFail) {
  Site site(reply("1", "503 Busy"), reply("2", "502 Bad"));
  run_test(site.loop, [&]() -> Task<> {
    Caller caller(site.loop, site.upstream, request(), with(hedging()));
    co_await until(site.loop, [&] { return site.api.request_count() == 2; });
    site.second.open.set();
    co_await until(site.loop, [&] { return site.session.active() == 1; });
    EXPECT_FALSE(caller.answered());
    site.first.open.set();
    co_await caller.end();
    EXPECT_EQ(caller.told(), "503 miss");
    EXPECT_EQ(caller.outcome().attempts, 2u);
  });
}

TEST(Hedging, HangsUpOnBothWhenTheCallerLeaves) {
  std::atomic<int> hung_up{0};
  ScriptedApi api(hanging(hung_up));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    Caller caller(loop, upstream, request(), with(hedging()));
    co_await until(loop, [&] { return api.request_count() == 2; });
    caller.leave();
    co_await caller.end();
    EXPECT_EQ(upstream.in_flight(), 0u);
    co_await until(loop, [&] { return hung_up == 2; });
  });
}

TEST(Hedging, DoesNotCountTheLoserAsAFailure) {
  ScriptedApi api([](ScriptedApi::Connection& connection) {
    while (!connection.read_request().empty()) {
      if (connection.number > 0) connection.send(reply("2"));
    }
  });
  Loop loop;
  Session session(loop);
  UpstreamOptions options = to(api);
  options.breaker.consecutive = 1;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    auto outcome = co_await upstream.call(request(), with(hedging()));
    EXPECT_EQ(told(outcome), "200 miss");
  });
  EXPECT_TRUE(has(upstream.stats_json(), R"("breaker":"closed")"));
}

TEST(Hedging, LearnsFromTheAnswersWhatIsSlow) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  CallPolicy policy = patient();
  policy.hedge = HedgeOptions{.p95 = true, .budget = 1};
  CallPolicy brief = policy;
  brief.timeouts.total = 200ms;
  run_test(loop, [&]() -> Task<> {
    co_await upstream.call(request("/hang"), with(brief, 50ms));
    EXPECT_EQ(upstream.stats().hedges, 0u);  // too few answers to say
    // An answer that was hedged counts, too.
    for (int i = 0; i < 40; ++i) co_await upstream.call(request(), with(policy));
    auto before = upstream.stats().hedges;
    co_await upstream.call(request("/hang"), with(brief));
    EXPECT_EQ(upstream.stats().hedges, before + 1);
  });
}

}  // namespace
}  // namespace linegate
