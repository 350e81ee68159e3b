// How fast an API is asked: our own rate, its Retry-After, its quota, a full room, and what is told of them,
// through an Upstream against a real server.
#include <gtest/gtest.h>

#include "calls.h"

namespace linegate {
namespace {

// Waits a second for its turn, no longer.
CallPolicy brisk() {
  CallPolicy policy = patient();
  policy.timeouts.queue = 1s;
  return policy;
}

UpstreamOptions at_a_rate(const ScriptedApi& api, double per_second, double burst) {
  UpstreamOptions options = to(api);
  options.pace.per_second = per_second;
  options.pace.burst = burst;
  return options;
}

std::string state(const Upstream& upstream) {
  std::string text = upstream.prospect(request(), {}).gate;
  return text.substr(0, text.find(','));
}

TEST(Pacing, RefusesAtOnceWhatItsRateLeavesNoRoomFor) {
  ScriptedApi api(in_turn({reply("1")}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, at_a_rate(api, 0.1, 2));
  run_test(loop, [&]() -> Task<> {
    for (int i = 0; i < 2; ++i) {
      auto outcome = co_await upstream.call(request(), with(brisk()));
      EXPECT_EQ(told(outcome), "200 miss");
    }
    auto outcome = co_await upstream.call(request(), with(brisk()));
    EXPECT_EQ(told(outcome), "rate_limited unsent");
    EXPECT_EQ(outcome.attempts, 0u);
    auto wait = outcome.response->error->retry_after;
    EXPECT_TRUE(wait && *wait > 8s && *wait <= 10s);
    EXPECT_EQ(upstream.queued(), 0u);
    // A client's deadline counts as well.
    auto hasty = co_await upstream.call(request(), with(patient(), 1s));
    EXPECT_EQ(told(hasty), "rate_limited unsent");
  });
  EXPECT_EQ(upstream.stats().rate_limited, 2u);
  EXPECT_EQ(upstream.stats().failed, 2u);
  EXPECT_EQ(api.request_count(), 2u);
}

TEST(Pacing, WaitsForATokenThatComesInTime) {
  ScriptedApi api(in_turn({reply("1")}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, at_a_rate(api, 20, 1));
  run_test(loop, [&]() -> Task<> {
    Time began = Clock::now();
    Callers callers;
    for (const char* target : {"/a", "/b", "/c"})
      add(callers, loop, upstream, 1, with(brisk()), request(target));
    co_await all(callers);
    for (auto& caller : callers) EXPECT_EQ(caller->told(), "200 miss");
    EXPECT_GE(Clock::now() - began, 99ms);
    EXPECT_GE(callers[2]->outcome().queue, 90ms);
  });
}

TEST(Pacing, ReckonsWithThoseWhoWaitAlready) {
  ScriptedApi api(in_turn({reply("1")}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, at_a_rate(api, 2, 1));
  run_test(loop, [&]() -> Task<> {
    Callers callers;
    for (const char* target : {"/a", "/b", "/c"})
      add(callers, loop, upstream, 1, with(patient()), request(target));
    co_await until(loop, [&] { return upstream.queued() == 2; });
    auto outcome = co_await upstream.call(request("/d"), with(brisk()));
    EXPECT_EQ(told(outcome), "rate_limited unsent");
    callers.clear();
    co_await Yield(loop);
    EXPECT_EQ(upstream.queued(), 0u);
  });
}

TEST(Pacing, GivesBackTheTokenOfACallerWhoLeaves) {
  ScriptedApi api(in_turn({reply("1")}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, at_a_rate(api, 0.1, 1));
  run_test(loop, [&]() -> Task<> {
    for (int turns = 0; turns < 4 && api.request_count() == 0; ++turns) {
      Caller caller(loop, upstream, request(), with(brisk()));
      for (int i = 0; i < turns && upstream.stats().attempts == 0; ++i) co_await Yield(loop);
      if (upstream.stats().attempts > 0) break;
      caller.leave();
      co_await caller.end();
      EXPECT_EQ(upstream.in_flight(), 0u);
      EXPECT_TRUE(has(upstream.prospect(request(), {}).queue, R"("wait_ms":0)"));
    }
  });
}

TEST(Pacing, EndsAWaitThatFitsByTheQueueClock) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  UpstreamOptions options = at_a_rate(api, 1000, 1);
  options.gate.max_in_flight = 1;
  Upstream upstream(session, options);
  CallPolicy hasty = patient();
  hasty.timeouts.queue = 30ms;
  run_test(loop, [&]() -> Task<> {
    Caller hog(loop, upstream, request("/hang"), with(patient()));
    co_await until(loop, [&] { return upstream.in_flight() == 1; });
    auto outcome = co_await upstream.call(request(), with(hasty));
    EXPECT_EQ(told(outcome), "timeout queue queue unsent");
    EXPECT_GE(outcome.queue, 30ms);
    hog.leave();
  });
  EXPECT_EQ(upstream.stats().timeouts, 1u);
  EXPECT_EQ(upstream.stats().rate_limited, 0u);
}

TEST(Pacing, TellsWhatATokenWouldCost) {
  ScriptedApi api(in_turn({reply("1")}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, at_a_rate(api, 0.1, 1));
  run_test(loop, [&]() -> Task<> {
    EXPECT_TRUE(has(upstream.prospect(request(), {}).queue, R"("wait_ms":0)"));
    co_await upstream.call(request(), with(brisk()));
    EXPECT_FALSE(has(upstream.prospect(request(), {}).queue, R"("wait_ms":0)"));
  });
}

// ---- Retry-After

TEST(Pacing, StopsAllTrafficToAnApiThatSaysWhenToComeBack) {
  for (const char* status : {"429 Slow", "503 Busy"}) {
    ScriptedApi api(in_turn({reply("0", status, "Retry-After: 30\r\n")}));
    ScriptedApi another(in_turn({reply("1")}));
    Loop loop;
    Session session(loop);
    Upstream upstream(session, to(api));
    Upstream elsewhere(session, to(another));
    run_test(loop, [&]() -> Task<> {
      co_await upstream.call(request(), with(brisk()));
      EXPECT_EQ(state(upstream), R"({"state":"closed")");
      auto outcome = co_await upstream.call(request("/other", "POST"), with(brisk()));
      EXPECT_EQ(told(outcome), "rate_limited unsent");
      auto wait = outcome.response->error->retry_after;
      EXPECT_TRUE(wait && *wait > 28s && *wait <= 30s);
      auto good = co_await elsewhere.call(request(), with(brisk()));
      EXPECT_EQ(told(good), "200 miss");
    });
    EXPECT_EQ(api.request_count(), 1u);
    EXPECT_TRUE(has(upstream.stats_json(), R"("gate":"closed")"));
  }
}

TEST(Pacing, HeedsNoRetryAfterOfOtherAnswers) {
  ScriptedApi api(in_turn({reply("0", "500 Oh", "Retry-After: 30\r\n")}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> { co_await upstream.call(request(), with(brisk())); });
  EXPECT_EQ(state(upstream), R"({"state":"open")");
}

TEST(Pacing, SendsOneProbeWhenTheTimeHasCome) {
  Latch open;
  auto first = std::make_shared<std::atomic<bool>>(true);
  ScriptedApi api(ScriptedApi::answering([&open, first](const std::string& /*request*/) {
    if (first->exchange(false)) return reply("0", "429 Slow", "Retry-After: 30\r\n");
    open.wait();
    return reply("1");
  }));
  Loop loop;
  Session session(loop);
  UpstreamOptions options = to(api);
  options.pace.gate_max = 30ms;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    co_await upstream.call(request(), with(brisk()));
    Callers callers;
    for (const char* target : {"/a", "/b", "/c", "/d"})
      add(callers, loop, upstream, 1, with(patient()), request(target));
    co_await until(loop, [&] { return api.request_count() == 2; });
    EXPECT_EQ(state(upstream), R"({"state":"probing")");
    EXPECT_EQ(upstream.queued(), 3u);
    EXPECT_EQ(upstream.in_flight(), 1u);
    open.set();
    co_await all(callers);
    for (auto& caller : callers) EXPECT_EQ(caller->told(), "200 miss");
    EXPECT_EQ(state(upstream), R"({"state":"releasing")");
  });
  EXPECT_EQ(api.request_count(), 5u);
}

TEST(Pacing, SendsAnotherProbeWhenTheFirstIsCancelled) {
  ScriptedApi api([](ScriptedApi::Connection& connection) {
    for (std::string text; !(text = connection.read_request()).empty();) {
      if (has(text, "/busy")) connection.send(reply("0", "429 Slow", "Retry-After: 30\r\n"));
      if (has(text, "/good")) connection.send(reply("1"));
    }
  });
  Loop loop;
  Session session(loop);
  UpstreamOptions options = to(api);
  options.pace.gate_max = 10ms;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    co_await upstream.call(request("/busy"), with(brisk()));
    Caller probe(loop, upstream, request("/hang"), with(patient()));
    co_await until(loop, [&] { return api.request_count() == 2; });
    Caller next(loop, upstream, request("/good"), with(patient()));
    co_await io_turn(loop);
    EXPECT_EQ(upstream.queued(), 1u);
    probe.leave();
    co_await next.end();
    EXPECT_EQ(next.told(), "200 miss");
  });
}

TEST(Pacing, HoldsBackThoseWhoWaitedForAPlaceWhenTheGateCloses) {
  Latch open;
  ScriptedApi api(held(open, reply("0", "429 Slow", "Retry-After: 30\r\n")));
  Loop loop;
  Session session(loop);
  UpstreamOptions options = to(api);
  options.gate.max_in_flight = 1;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    Caller first(loop, upstream, request("/a"), with(patient()));
    Caller second(loop, upstream, request("/b"), with(patient(), 300ms));
    co_await until(loop, [&] { return api.request_count() == 1; });
    open.set();
    co_await first.end();
    EXPECT_EQ(first.told(), "429 miss");
    co_await second.end();
    EXPECT_FALSE(second.outcome().response->error->sent);
    EXPECT_EQ(second.outcome().attempts, 0u);
  });
  EXPECT_EQ(api.request_count(), 1u);
}

// ---- quota

TEST(Pacing, SlowsDownBeforeTheQuotaIsSpent) {
  const std::string spent = "RateLimit-Limit: 100\r\nRateLimit-Remaining: 0\r\nRateLimit-Reset: 30\r\n";
  for (bool learn : {true, false}) {
    ScriptedApi api(in_turn({reply("1", "200 OK", spent)}));
    Loop loop;
    Session session(loop);
    UpstreamOptions options = to(api);
    options.pace.learn = learn;
    Upstream upstream(session, options);
    run_test(loop, [&]() -> Task<> {
      co_await upstream.call(request(), with(brisk()));
      auto outcome = co_await upstream.call(request(), with(brisk()));
      EXPECT_EQ(told(outcome), learn ? "rate_limited unsent" : "200 miss");
    });
    EXPECT_EQ(upstream.stats().rate_limited, learn ? 1u : 0u);
  }
}

// ---- what would happen

TEST(Pacing, TellsOfTheCacheWhatWouldHappen) {
  Latch open;
  ScriptedApi api(held(open, reply("1", "200 OK", "Cache-Control: max-age=60\r\n")));
  Loop loop;
  Session session(loop);
  Cache cache(1 << 20);
  Upstream upstream(session, to(api, &cache));
  run_test(loop, [&]() -> Task<> {
    auto before = upstream.prospect(request(), with(patient())).cache;
    EXPECT_TRUE(before.starts_with(R"({"mode":"rfc9111","key":")"));
    EXPECT_TRUE(before.ends_with(R"(,"state":"absent","in_flight":false})"));
    Caller caller(loop, upstream, request(), with(patient()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    EXPECT_TRUE(has(upstream.prospect(request(), {}).cache, R"("state":"absent","in_flight":true})"));
    open.set();
    co_await caller.end();
    auto after = upstream.prospect(request(), with(patient())).cache;
    EXPECT_TRUE(has(after, R"("state":"fresh","age_ms":)"));
    EXPECT_TRUE(has(after, R"("fresh_for_ms":)"));
    EXPECT_EQ(after.substr(0, 50), before.substr(0, 50));
  });
  EXPECT_EQ(upstream.stats().calls, 1u);
}

TEST(Pacing, TellsOfNoCacheWhereThereIsNone) {
  ScriptedApi api(in_turn({reply("1")}));
  Loop loop;
  Session session(loop);
  Cache cache(1 << 20);
  Upstream upstream(session, to(api, &cache));
  EXPECT_EQ(upstream.prospect(request("/x", "POST"), {}).cache, R"({"mode":"off"})");
  EXPECT_TRUE(has(upstream.prospect(request("/x", "OPTIONS"), {}).cache, R"({"mode":"off","key":)"));
  CallPolicy policy = patient();
  policy.cache.mode = CacheMode::off;
  EXPECT_TRUE(has(upstream.prospect(request(), with(policy)).cache, R"({"mode":"off","key":)"));
  policy.coalesce = false;
  EXPECT_EQ(upstream.prospect(request(), with(policy)).cache, R"({"mode":"off"})");
}

}  // namespace
}  // namespace linegate
