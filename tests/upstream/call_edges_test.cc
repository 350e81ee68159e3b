// Calls that get in each other's way: writes among reads, answers that overtake each other, calls that look
// alike but are not. Against a real server on loopback.
#include <gtest/gtest.h>

#include <string>

#include "../support/run.h"
#include "../support/scripted_api.h"
#include "upstream/flight.h"
#include "upstream/upstream.h"

namespace linegate {
namespace {

using Connection = ScriptedApi::Connection;

constexpr char kFresh[] = "Cache-Control: max-age=60\r\n";

Request request(std::string target, std::string method = "GET") {
  Request made;
  made.method = std::move(method);
  made.target = std::move(target);
  return made;
}

CallPolicy patient() {
  CallPolicy policy;
  policy.timeouts = {10s, 10s, 10s, 10s};
  policy.retry.backoff_base = 1ms;
  return policy;
}

CallOptions with(const CallPolicy& policy) {
  CallOptions options;
  options.policy = std::make_shared<const CallPolicy>(policy);
  return options;
}

// An API, and an upstream with a cache in front of it.
class CallEdges : public testing::Test {
 protected:
  CallEdges() : session_(loop_, {.max_transfers = 0}) {}

  void ask(ScriptedApi& api, UpstreamOptions options = {}) {
    options.name = "api";
    options.base_url = api.url();
    options.cache = &cache_;
    upstream_.emplace(session_, std::move(options));
  }

  // A call on its own, whose outcome is put into `outcome`.
  static Task<> call(Upstream& upstream, Request what, CallOptions how, Outcome& outcome) {
    outcome = co_await upstream.call(std::move(what), std::move(how));
  }

  Loop loop_;
  Session session_;
  Cache cache_{std::size_t{1} << 20};
  std::optional<Upstream> upstream_;
};

// The answer to the first request for /held waits for `go`.
ScriptedApi::Script holding(Latch& go) {
  return [&go](Connection& connection) {
    int held = 0;
    for (std::string text; !(text = connection.read_request()).empty();) {
      bool holds = connection.number == 0 && text.find("GET /held") == 0 && held++ == 0;
      if (holds) go.wait();
      connection.send(reply(holds ? "1" : "2", "200 OK", kFresh));
    }
  };
}

TEST_F(CallEdges, WhatHasAnEffectNeverJoinsARequestThatLooksTheSame) {
  Latch go;
  ScriptedApi api(holding(go));
  ask(api);
  run_test(loop_, [&]() -> Task<> {
    TaskGroup group(loop_);
    Outcome read;
    Outcome once;
    CallOptions with_effect = with(patient());
    with_effect.effect = Effect::once;
    group.spawn(call(*upstream_, request("/held"), with(patient()), read));
    co_await until(loop_, [&] { return api.request_count() == 1; });
    group.spawn(call(*upstream_, request("/held"), with_effect, once));
    co_await io_turn(loop_);
    go.set();
    co_await group.join();
    EXPECT_EQ(once.attempts, 1u);
    EXPECT_NE(once.source, Source::coalesced);
    EXPECT_EQ(api.request_count(), 2u);
  });
}

TEST_F(CallEdges, APutThatIsCancelledAfterItWasSentInvalidates) {
  ScriptedApi api([](Connection& connection) {
    for (std::string text; !(text = connection.read_request()).empty();) {
      if (text.starts_with("GET")) connection.send(reply("1", "200 OK", kFresh));
    }
  });
  ask(api);
  run_test(loop_, [&]() -> Task<> {
    co_await upstream_->call(request("/x"), with(patient()));
    {
      TaskGroup group(loop_);
      Outcome unused;
      group.spawn(call(*upstream_, request("/x", "PUT"), with(patient()), unused));
      co_await until(loop_, [&] { return api.request_count() == 2; });
      group.cancel();
      co_await group.join();
    }
    auto outcome = co_await upstream_->call(request("/x"), with(patient()));
    EXPECT_EQ(outcome.source, Source::miss);
  });
}

TEST_F(CallEdges, AWriteThatMayHaveActedInItsFirstAttemptInvalidates) {
  ScriptedApi api([](Connection& connection) {
    for (std::string text; !(text = connection.read_request()).empty();) {
      if (text.starts_with("GET")) connection.send(reply("1", "200 OK", kFresh));
      if (text.starts_with("PUT") && connection.number == 0) return;  // acts, and is lost
      if (text.starts_with("PUT")) connection.send(reply("{}", "409 Conflict"));
    }
  });
  ask(api);
  run_test(loop_, [&]() -> Task<> {
    co_await upstream_->call(request("/x"), with(patient()));
    auto put = co_await upstream_->call(request("/x", "PUT"), with(patient()));
    EXPECT_EQ(put.response->status, 409);
    auto outcome = co_await upstream_->call(request("/x"), with(patient()));
    EXPECT_EQ(outcome.source, Source::miss);
  });
}

TEST_F(CallEdges, AnAnswerThatAWriteOvertookIsNotKeptWithoutCoalescingEither) {
  Latch go;
  ScriptedApi api(holding(go));
  ask(api);
  CallPolicy alone = patient();
  alone.coalesce = false;
  run_test(loop_, [&]() -> Task<> {
    TaskGroup group(loop_);
    Outcome read;
    group.spawn(call(*upstream_, request("/held"), with(alone), read));
    co_await until(loop_, [&] { return api.request_count() == 1; });
    co_await upstream_->call(request("/held", "POST"), with(alone));
    go.set();
    co_await group.join();
    EXPECT_EQ(read.response->body, "1");
    auto outcome = co_await upstream_->call(request("/held"), with(alone));
    EXPECT_EQ(outcome.source, Source::miss);
  });
}

TEST_F(CallEdges, AnAnswerThatAFreshOneOvertookDoesNotReplaceIt) {
  Latch go;
  ScriptedApi api(holding(go));
  ask(api);
  run_test(loop_, [&]() -> Task<> {
    TaskGroup group(loop_);
    Outcome older;
    group.spawn(call(*upstream_, request("/held"), with(patient()), older));
    co_await until(loop_, [&] { return api.request_count() == 1; });
    CallOptions fresh = with(patient());
    fresh.fresh = 0s;
    auto newer = co_await upstream_->call(request("/held"), fresh);
    EXPECT_EQ(newer.response->body, "2");
    go.set();
    co_await group.join();
    EXPECT_EQ(older.response->body, "1");
    auto outcome = co_await upstream_->call(request("/held"), with(patient()));
    EXPECT_EQ(outcome.source, Source::hit);
    EXPECT_EQ(outcome.response->body, "2");
  });
}

TEST_F(CallEdges, AnAnswerThatAWriteOvertookDoesNotDropWhatWasKeptSince) {
  Latch go;
  ScriptedApi api(holding(go));
  ask(api);
  run_test(loop_, [&]() -> Task<> {
    TaskGroup group(loop_);
    Outcome older;
    group.spawn(call(*upstream_, request("/held"), with(patient()), older));
    co_await until(loop_, [&] { return api.request_count() == 1; });
    co_await upstream_->call(request("/held", "POST"), with(patient()));
    co_await upstream_->call(request("/held"), with(patient()));
    go.set();
    co_await group.join();
    auto outcome = co_await upstream_->call(request("/held"), with(patient()));
    EXPECT_EQ(outcome.source, Source::hit);
  });
}

TEST_F(CallEdges, AnErrorThatIsKeptForAWhileDoesNotReplaceAnAnswerThatStandsInForIt) {
  int asked = 0;
  ScriptedApi api(ScriptedApi::answering([&](const std::string&) {
    return asked++ == 0 ? reply("1", "200 OK", "Cache-Control: max-age=0\r\n")
                        : reply("{}", "503 Service Unavailable");
  }));
  ask(api);
  CallPolicy policy = patient();
  policy.retry.attempts = 1;
  policy.cache.stale_if_error = 60s;
  policy.cache.negative = {{503, 60s}};
  run_test(loop_, [&]() -> Task<> {
    co_await upstream_->call(request("/x"), with(policy));
    for (int i = 0; i < 2; ++i) {
      auto outcome = co_await upstream_->call(request("/x"), with(policy));
      EXPECT_EQ(outcome.source, Source::stale);
      EXPECT_EQ(outcome.response->status, 200);
    }
  });
}

TEST_F(CallEdges, TheAttemptsBeforeItDoNotMakeAnAnswerOlder) {
  int asked = 0;
  ScriptedApi api(ScriptedApi::answering([&](const std::string&) {
    if (asked++ > 0) return reply("1");
    std::this_thread::sleep_for(600ms);
    return reply("{}", "503 Service Unavailable");
  }));
  ask(api);
  CallPolicy policy = patient();
  policy.cache.mode = CacheMode::override_ttl;
  policy.cache.ttl = 500ms;
  run_test(loop_, [&]() -> Task<> {
    auto first = co_await upstream_->call(request("/x"), with(policy));
    EXPECT_EQ(first.attempts, 2u);
    auto outcome = co_await upstream_->call(request("/x"), with(policy));
    EXPECT_EQ(outcome.source, Source::hit);
    EXPECT_LT(outcome.age, 400ms);
  });
}

TEST_F(CallEdges, WaitingForAPlaceOfTheSessionIsNoFailureOfTheApi) {
  Latch go;
  ScriptedApi api(holding(go));
  Session narrow(loop_, {.max_transfers = 1});
  UpstreamOptions options;
  options.base_url = api.url();
  options.breaker.consecutive = 1;
  Upstream upstream(narrow, options);
  run_test(loop_, [&]() -> Task<> {
    TaskGroup group(loop_);
    Outcome held;
    group.spawn(call(upstream, request("/held"), with(patient()), held));
    co_await until(loop_, [&] { return api.request_count() == 1; });
    CallPolicy hasty = patient();
    hasty.timeouts.total = 50ms;
    auto outcome = co_await upstream.call(request("/other"), with(hasty));
    EXPECT_TRUE(outcome.response->error && outcome.response->error->phase == Phase::queue);
    EXPECT_NE(upstream.stats_json().find(R"("breaker":"closed")"), std::string::npos);
    go.set();
    co_await group.join();
  });
}

TEST_F(CallEdges, CallersWhoJoinLateHaveTheirWholeTimeWhateverLibcurlsOwnTimerSays) {
  Latch go;
  ScriptedApi api(holding(go));
  ask(api);
  CallPolicy policy = patient();
  policy.timeouts.total = 300ms;  // libcurl's timer is set to 2 s more
  run_test(loop_, [&]() -> Task<> {
    TaskGroup group(loop_);
    Outcome last;
    for (int i = 0; i < 13; ++i) {
      group.spawn(call(*upstream_, request("/held"), with(policy), last));
      co_await sleep(loop_, 200ms);
    }
    go.set();
    co_await group.join();
    EXPECT_TRUE(last.response->ok());
    EXPECT_EQ(api.request_count(), 1u);
  });
}

// Such conditions make a server refuse other methods with 412 (RFC 9110 section 13.1.2).
TEST_F(CallEdges, OnlyGetAndHeadAreAskedWithConditions) {
  ScriptedApi api(ScriptedApi::answering([](const std::string& text) {
    bool conditional = text.find("If-None-Match") != text.npos;
    return conditional ? reply("{}", "412 Precondition Failed")
                       : reply("1", "200 OK", "ETag: \"a\"\r\nCache-Control: no-cache\r\n");
  }));
  ask(api);
  CallOptions search = with(patient());
  search.effect = Effect::none;
  run_test(loop_, [&]() -> Task<> {
    for (int i = 0; i < 2; ++i) {
      auto outcome = co_await upstream_->call(request("/search", "POST"), search);
      EXPECT_EQ(outcome.response->status, 200);
    }
  });
}

TEST_F(CallEdges, NoHedgeIsPaidForWhereThereIsNoPlaceForIt) {
  Latch go;
  ScriptedApi api(holding(go));
  UpstreamOptions options;
  options.gate.max_in_flight = 1;
  ask(api, options);
  CallPolicy policy = patient();
  policy.hedge = HedgeOptions{.p95 = false, .after = 5ms, .budget = 1};
  run_test(loop_, [&]() -> Task<> {
    TaskGroup group(loop_);
    Outcome held;
    group.spawn(call(*upstream_, request("/held"), with(policy), held));
    co_await until(loop_, [&] { return api.request_count() == 1; });
    co_await sleep(loop_, 20ms);
    EXPECT_EQ(upstream_->stats().hedges, 0u);
    go.set();
    co_await group.join();
    EXPECT_TRUE(held.response->ok());
  });
}

// ---- a flight that comes to an unforeseen end

class NoOwner final : public Flight::Owner {
 public:
  void on_deserted(Flight&) override {}
  void on_gone(Flight&) override {}
};

TEST(Flight, AnswersThoseWhoWaitWhenItBreaks) {
  Loop loop;
  NoOwner owner;
  CallOptions options = with({});
  auto flight = std::make_unique<Flight>(owner, request("/x"), options);
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    Outcome outcome;
    auto wait = [&]() -> Task<> {
      FlightWait waiting(loop, *flight, Expiry{}, false);
      outcome = co_await waiting;
    };
    group.spawn(wait());
    co_await io_turn(loop);
    flight.reset();
    co_await group.join();
    EXPECT_TRUE(outcome.response && outcome.response->error);
  });
}

}  // namespace
}  // namespace linegate
