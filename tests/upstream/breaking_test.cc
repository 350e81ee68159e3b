// What opens a breaker, what does not, and what its probes are, through an Upstream against a real server.
#include <gtest/gtest.h>

#include "calls.h"

namespace linegate {
namespace {

// One failure opens it.
UpstreamOptions touchy(const ScriptedApi& api, Duration open_for = 1h, std::uint64_t half_open = 1) {
  UpstreamOptions options = to(api);
  options.breaker.consecutive = 1;
  options.breaker.open_for = open_for;
  options.breaker.half_open = half_open;
  return options;
}

std::string state(const Upstream& upstream, const CallOptions& how = {}) {
  std::string text = upstream.prospect(request(), how).breaker;
  return text.substr(0, text.find(','));
}
const std::string kClosed = R"({"state":"closed")";
const std::string kOpen = R"({"state":"open")";
const std::string kHalfOpen = R"({"state":"half_open")";

TEST(Breaking, RefusesWhileTheApiFails) {
  ScriptedApi api(in_turn({reply("0", "500 Oh")}));
  Loop loop;
  Session session(loop);
  UpstreamOptions options = to(api);
  options.breaker.open_for = 1h;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(state(upstream), kClosed);
      auto outcome = co_await upstream.call(request(), with(patient()));
      EXPECT_EQ(told(outcome), "500 miss");
    }
    auto outcome = co_await upstream.call(request(), with(retrying(3)));
    EXPECT_EQ(told(outcome), "breaker unsent");
    EXPECT_EQ(outcome.attempts, 0u);
    auto wait = outcome.response->error->retry_after;
    EXPECT_TRUE(wait && *wait > 59min && *wait <= 1h);
  });
  EXPECT_EQ(state(upstream), kOpen);
  EXPECT_TRUE(has(upstream.stats_json(), R"("breaker":"open")"));
  EXPECT_EQ(api.request_count(), 5u);
  EXPECT_EQ(upstream.stats().failed, 1u);
  EXPECT_EQ(upstream.stats().refused + upstream.stats().rate_limited, 0u);
}

TEST(Breaking, CountsAsFailuresWhatTheApiDoes) {
  struct {
    const char* name;
    std::string answer;
  } const cases[] = {{"500", reply("0", "500 Oh")},
                     {"429", reply("0", "429 Slow")},
                     {"not HTTP", "SSH-2.0-x\r\n\r\n"},
                     {"first_byte", ""}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    ScriptedApi api(in_turn({one.answer}));
    Loop loop;
    Session session(loop);
    Upstream upstream(session, touchy(api));
    CallPolicy policy = patient();
    policy.timeouts.first_byte = 50ms;
    run_test(loop, [&]() -> Task<> { co_await upstream.call(request(), with(policy)); });
    EXPECT_EQ(state(upstream), kOpen);
  }
}

TEST(Breaking, CountsTheTotalClockAndALostConnection) {
  for (bool lost : {false, true}) {
    SCOPED_TRACE(lost);
    ScriptedApi api([&](ScriptedApi::Connection& connection) {
      connection.read_request();
      lost ? connection.reset() : void(connection.wait_for_end());
    });
    Loop loop;
    Session session(loop);
    Upstream upstream(session, touchy(api));
    CallPolicy policy = patient();
    policy.timeouts.total = 50ms;
    run_test(loop, [&]() -> Task<> { co_await upstream.call(request(), with(policy)); });
    EXPECT_EQ(state(upstream), kOpen);
  }
}

TEST(Breaking, CountsNoAnswerThatIsTheClientsFault) {
  for (const char* status : {"400 Bad", "404 No", "301 Go"}) {
    ScriptedApi api(in_turn({reply("0", status)}));
    Loop loop;
    Session session(loop);
    Upstream upstream(session, touchy(api));
    run_test(loop, [&]() -> Task<> { co_await upstream.call(request(), with(patient())); });
    EXPECT_EQ(state(upstream), kClosed);
  }
}

TEST(Breaking, DoesNotCountAClientsOwnDeadline) {
  ScriptedApi api(in_turn({""}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, touchy(api));
  run_test(loop, [&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      auto outcome = co_await upstream.call(request(), with(patient(), 10ms));
      EXPECT_EQ(told(outcome).substr(0, 7), "timeout");
    }
  });
  EXPECT_EQ(state(upstream), kClosed);
}

TEST(Breaking, DoesNotCountACallerWhoLeaves) {
  ScriptedApi api(in_turn({""}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, touchy(api));
  run_test(loop, [&]() -> Task<> {
    Caller caller(loop, upstream, request(), with(patient()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    caller.leave();
    co_await caller.end();
  });
  EXPECT_EQ(state(upstream), kClosed);
}

TEST(Breaking, DoesNotCountADeadKeptConnection) {
  ScriptedApi api([](ScriptedApi::Connection& connection) {
    for (int i = 0; !connection.read_request().empty(); ++i) {
      if (connection.number == 0 && i == 1) return connection.finish();
      connection.send(reply("1"));
    }
  });
  Loop loop;
  Session session(loop);
  Upstream upstream(session, touchy(api));
  run_test(loop, [&]() -> Task<> {
    co_await upstream.call(request(), with(patient()));
    auto outcome = co_await upstream.call(request("/x", "POST"), with(patient()));
    EXPECT_EQ(told(outcome), "reset sent");
  });
  EXPECT_EQ(state(upstream), kClosed);
}

TEST(Breaking, DoesNotCountARefusal) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  UpstreamOptions options = touchy(api);
  options.gate = {.max_in_flight = 1, .max_queue = 1};
  Upstream upstream(session, options);
  CallPolicy hasty = patient();
  hasty.timeouts.queue = 20ms;
  run_test(loop, [&]() -> Task<> {
    Caller hog(loop, upstream, request("/hang"), with(patient()));
    co_await until(loop, [&] { return upstream.in_flight() == 1; });
    Caller waits(loop, upstream, request("/a"), with(hasty));
    co_await io_turn(loop);
    auto outcome = co_await upstream.call(request("/b"), with(patient()));
    EXPECT_EQ(told(outcome), "overloaded unsent");
    co_await waits.end();
    EXPECT_EQ(waits.told(), "timeout queue queue unsent");
    hog.leave();
  });
  EXPECT_EQ(state(upstream), kClosed);
}

TEST(Breaking, IsAskedAgainWhenThePlaceIsFree) {
  Latch open;
  ScriptedApi api(held(open, reply("0", "500 Oh")));
  Loop loop;
  Session session(loop);
  UpstreamOptions options = touchy(api);
  options.gate.max_in_flight = 1;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    Caller first(loop, upstream, request("/a"), with(patient()));
    Caller second(loop, upstream, request("/b"), with(patient()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    EXPECT_EQ(upstream.queued(), 1u);
    open.set();
    co_await second.end();
    EXPECT_EQ(second.told(), "breaker unsent");
    EXPECT_EQ(second.outcome().attempts, 0u);
    co_await first.end();
  });
  EXPECT_EQ(api.request_count(), 1u);
  EXPECT_EQ(upstream.in_flight() + upstream.queued(), 0u);
}

// ---- half open

// Fails once, then hangs on /hang and answers the rest.
ScriptedApi::Script failing_once() {
  auto first = std::make_shared<std::atomic<bool>>(true);
  return ScriptedApi::answering([first](const std::string& text) {
    if (first->exchange(false)) return reply("0", "500 Oh");
    return has(text, "/hang") ? std::string() : reply("1");
  });
}

Task<> break_it(Loop& loop, Upstream& upstream) {
  co_await upstream.call(request(), with(patient()));
  co_await until(loop, [&] { return state(upstream) == kHalfOpen; });
}

TEST(Breaking, ClosesAfterAProbeThatSucceeds) {
  ScriptedApi api(failing_once());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, touchy(api, 10ms));
  run_test(loop, [&]() -> Task<> {
    co_await break_it(loop, upstream);
    auto outcome = co_await upstream.call(request(), with(patient()));
    EXPECT_EQ(told(outcome), "200 miss");
  });
  EXPECT_EQ(state(upstream), kClosed);
}

TEST(Breaking, LetsOnlyTheProbesThrough) {
  ScriptedApi api(failing_once());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, touchy(api, 10ms));
  run_test(loop, [&]() -> Task<> {
    co_await break_it(loop, upstream);
    Caller probe(loop, upstream, request("/hang"), with(patient()));
    co_await until(loop, [&] { return api.request_count() == 2; });
    auto outcome = co_await upstream.call(request(), with(patient()));
    EXPECT_EQ(told(outcome), "breaker unsent");
    probe.leave();
  });
}

TEST(Breaking, TakesBackTheProbeOfACallerWhoLeaves) {
  ScriptedApi api(failing_once());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, touchy(api, 10ms));
  run_test(loop, [&]() -> Task<> {
    co_await break_it(loop, upstream);
    Caller probe(loop, upstream, request("/hang"), with(patient()));
    co_await until(loop, [&] { return api.request_count() == 2; });
    probe.leave();
    co_await probe.end();
    EXPECT_EQ(state(upstream), kHalfOpen);
    auto timed_out = co_await upstream.call(request("/hang"), with(patient(), 20ms));
    EXPECT_EQ(told(timed_out), "timeout first_byte client sent");
    EXPECT_EQ(state(upstream), kHalfOpen);
    auto outcome = co_await upstream.call(request(), with(patient()));
    EXPECT_EQ(told(outcome), "200 miss");
  });
  EXPECT_EQ(state(upstream), kClosed);
}

// ---- more than one breaker

TEST(Breaking, KeepsToTheRoutesOwnBreaker) {
  ScriptedApi api(in_turn({reply("0", "500 Oh"), reply("1")}));
  Loop loop;
  Session session(loop);
  Breaker own(BreakerOptions{.consecutive = 1, .open_for = 1h});
  Upstream upstream(session, touchy(api));
  CallOptions how = with(patient());
  how.breaker = &own;
  run_test(loop, [&]() -> Task<> {
    co_await upstream.call(request(), how);
    EXPECT_EQ(state(upstream, how), kOpen);
    EXPECT_EQ(state(upstream), kClosed);
    auto refused = co_await upstream.call(request(), how);
    EXPECT_EQ(told(refused), "breaker unsent");
    auto outcome = co_await upstream.call(request(), with(patient()));
    EXPECT_EQ(told(outcome), "200 miss");
  });
  EXPECT_TRUE(has(upstream.stats_json(), R"("breaker":"closed")"));
}

TEST(Breaking, CanBeSwitchedOff) {
  ScriptedApi api(in_turn({reply("0", "500 Oh")}));
  Loop loop;
  Session session(loop);
  UpstreamOptions options = touchy(api);
  options.breaker.enabled = false;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    for (int i = 0; i < 9; ++i) co_await upstream.call(request(), with(patient()));
  });
  EXPECT_EQ(api.request_count(), 9u);
}

}  // namespace
}  // namespace linegate
