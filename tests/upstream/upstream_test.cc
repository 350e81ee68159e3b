// Calls through an Upstream, against a real server on loopback.
#include "upstream/upstream.h"

#include <gtest/gtest.h>

#include <string>

#include "../support/run.h"
#include "../support/scripted_api.h"

namespace linegate {
namespace {

using Connection = ScriptedApi::Connection;

UpstreamOptions to(const ScriptedApi& api, GateOptions gate = {}) {
  UpstreamOptions options;
  options.name = "api";
  options.base_url = api.url("/v1");
  options.gate = gate;
  return options;
}

Request request(std::string target, std::string method = "GET") {
  Request made;
  made.method = std::move(method);
  made.target = std::move(target);
  return made;
}

// One attempt, for one caller.
CallOptions plain(UpstreamTimeouts timeouts = {}) {
  CallPolicy policy;
  policy.timeouts = timeouts;
  policy.retry.attempts = 1;
  policy.coalesce = false;
  CallOptions options;
  options.policy = std::make_shared<const CallPolicy>(policy);
  return options;
}

constexpr UpstreamTimeouts kPatient{20s, 1s, 2s, 20s};

// Answers at once, but what is asked of /hang never.
ScriptedApi::Script answering_but_hang() {
  return [](Connection& connection) {
    for (std::string text; !(text = connection.read_request()).empty();) {
      if (text.find("/hang") == text.npos) connection.send(reply("1"));
    }
  };
}

TEST(Upstream, Answers) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    auto outcome = co_await upstream.call(request("/v1/x?a=b"), plain());
    EXPECT_TRUE(outcome.response->ok());
    EXPECT_EQ(outcome.attempts, 1u);
    EXPECT_GT(outcome.upstream, 0ms);
    EXPECT_EQ(outcome.queue, 0ms);
  });
  EXPECT_TRUE(api.requests()[0].starts_with("GET /v1/x?a=b HTTP/1.1\r\n"));
  EXPECT_EQ(upstream.stats().calls, 1u);
  EXPECT_EQ(upstream.stats().failed, 0u);
}

TEST(Upstream, RefusesABaseUrlThatIsNone) {
  Loop loop;
  Session session(loop);
  UpstreamOptions options;
  options.base_url = "ftp://x";
  EXPECT_THROW(Upstream(session, options), std::invalid_argument);
}

TEST(Upstream, RefusesAtOnceWhenItsQueueIsFull) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api, {.max_in_flight = 1, .max_queue = 1}));
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    auto hang = [&]() -> Task<> { co_await upstream.call(request("/hang"), plain()); };
    group.spawn(hang());
    group.spawn(hang());
    co_await io_turn(loop);
    EXPECT_EQ(upstream.prospect(request("/"), plain()).queue,
              R"({"in_flight":1,"max_in_flight":1,"waiting":1,"max_queue":1,"wait_ms":0})");
    auto outcome = co_await upstream.call(request("/"), plain());
    EXPECT_TRUE(outcome.response->error && outcome.response->error->kind == ErrorKind::overloaded);
    EXPECT_TRUE(outcome.response->error && !outcome.response->error->sent);
    EXPECT_EQ(outcome.attempts, 0u);
    EXPECT_EQ(upstream.stats().refused, 1u);
    group.cancel();
    co_await group.join();
    EXPECT_EQ(upstream.in_flight() + upstream.queued(), 0u);
  });
}

TEST(Upstream, WaitsForAPlaceNoLongerThanTheQueueClock) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api, {.max_in_flight = 1, .max_queue = 9}));
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    auto hang = [&]() -> Task<> { co_await upstream.call(request("/hang"), plain()); };
    group.spawn(hang());
    co_await io_turn(loop);
    CallOptions options = plain({.queue = 40ms});
    auto outcome = co_await upstream.call(request("/"), options);
    EXPECT_TRUE(outcome.response->error && outcome.response->error->phase == Phase::queue);
    EXPECT_TRUE(outcome.response->error && outcome.response->error->limit == Limit::queue);
    EXPECT_TRUE(outcome.response->error && outcome.response->error->message == "no place free within 40 ms");
    EXPECT_GE(outcome.queue, 40ms);
    options.client_timeout = 20ms;
    auto again = co_await upstream.call(request("/"), options);
    EXPECT_TRUE(again.response->error && again.response->error->phase == Phase::queue);
    EXPECT_TRUE(again.response->error && again.response->error->limit == Limit::client);
    EXPECT_EQ(upstream.stats().timeouts, 2u);
    EXPECT_EQ(upstream.queued(), 0u);
    group.cancel();
  });
}

TEST(Upstream, HasNoMoreConnectionsThanPlaces) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop, {.max_transfers = 0});
  Upstream upstream(session, to(api, {.max_in_flight = 4, .max_queue = 200}));
  int good = 0;
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    auto call = [&](std::uint64_t client) -> Task<> {
      CallOptions options = plain(kPatient);
      options.client = client;
      auto outcome = co_await upstream.call(request("/"), options);
      good += outcome.response->ok();
    };
    for (std::uint64_t i = 0; i < 200; ++i) group.spawn(call(i % 7));
    co_await group.join();
  });
  EXPECT_EQ(good, 200);
  EXPECT_LE(api.connection_count(), 4);
}

TEST(Upstream, GivesAClientWithOneRequestItsTurn) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api, {.max_in_flight = 1, .max_queue = 100}));
  std::vector<std::uint64_t> order;
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    auto call = [&](std::uint64_t client) -> Task<> {
      CallOptions options = plain(kPatient);
      options.client = client;
      auto outcome = co_await upstream.call(request("/"), options);
      EXPECT_TRUE(outcome.response->ok());
      order.push_back(client);
    };
    for (int i = 0; i < 20; ++i) group.spawn(call(1));
    group.spawn(call(2));
    co_await group.join();
  });
  auto place = std::find(order.begin(), order.end(), 2u) - order.begin();
  EXPECT_LE(place, 2);
}

TEST(Upstream, IsDestroyedAtEveryPointOfTheWait) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api, {.max_in_flight = 1, .max_queue = 9}));
  run_test(loop, [&]() -> Task<> {
    for (int turns = 0; turns < 40; ++turns) {
      TaskGroup group(loop);
      auto call = [&]() -> Task<> { co_await upstream.call(request("/"), plain()); };
      for (int i = 0; i < 3; ++i) group.spawn(call());
      for (int i = 0; i < turns; ++i) co_await Yield(loop);
      group.cancel();
      co_await group.join();
      EXPECT_EQ(upstream.in_flight() + upstream.queued(), 0u);
    }
  });
}

// ---- replays

// The first connection answers one request and closes on its second.
ScriptedApi::Script dying_once() {
  return [](Connection& connection) {
    for (int i = 0; !connection.read_request().empty(); ++i) {
      if (connection.number == 0 && i == 1) return connection.finish();
      connection.send(reply("1"));
    }
  };
}

TEST(Upstream, ReplaysOnceOnADeadKeptConnection) {
  ScriptedApi api(dying_once());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    co_await upstream.call(request("/"), plain());
    auto outcome = co_await upstream.call(request("/"), plain());
    EXPECT_TRUE(outcome.response->ok());
    EXPECT_EQ(outcome.attempts, 2u);
  });
  EXPECT_EQ(api.request_count(), 3u);
  EXPECT_EQ(upstream.stats().replays, 1u);
}

TEST(Upstream, DoesNotReplayWhatIsNotIdempotent) {
  ScriptedApi api(dying_once());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    co_await upstream.call(request("/"), plain());
    auto outcome = co_await upstream.call(request("/", "POST"), plain());
    EXPECT_TRUE(outcome.response->error && outcome.response->error->kind == ErrorKind::reset);
    EXPECT_TRUE(outcome.response->error && outcome.response->error->sent);
    EXPECT_EQ(outcome.attempts, 1u);
  });
  EXPECT_EQ(api.request_count(), 2u);
}

// ---- requests that must run to their end

struct Orphans {
  std::vector<int> statuses;
  std::vector<std::string> bodies;
};

UpstreamOptions noting(const ScriptedApi& api, Orphans& orphans) {
  UpstreamOptions options = to(api);
  options.on_orphan = [&orphans](const Outcome& outcome) {
    orphans.statuses.push_back(outcome.response->status);
    orphans.bodies.push_back(outcome.response->body);
  };
  return options;
}

class Budget final : public BodyBudget {
 public:
  bool grow(std::size_t bytes) override {
    used += bytes;
    return true;
  }
  void shrink(std::size_t bytes) override { used -= bytes; }
  std::size_t used = 0;
};

TEST(Upstream, EndsASentPostWhoseCallerIsGone) {
  Latch answer;
  ScriptedApi api([&](Connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\n12");
    answer.wait();
    connection.send("34");
    connection.wait_for_end();
  });
  Loop loop;
  Session session(loop);
  Orphans orphans;
  Budget budget;
  UpstreamOptions options = noting(api, orphans);
  options.bodies = &budget;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    {
      TaskGroup group(loop);
      auto order = [&]() -> Task<> {
        co_await upstream.call(request("/orders", "POST"), plain());
        ADD_FAILURE() << "the caller was to be cancelled";
      };
      group.spawn(order());
      co_await until(loop, [&] { return budget.used == 2; });
      group.cancel();
      co_await group.join();
    }
    EXPECT_EQ(upstream.in_flight(), 1u);
    answer.set();
    co_await until(loop, [&] { return !orphans.statuses.empty(); });
    co_await io_turn(loop);
  });
  EXPECT_EQ(orphans.statuses, std::vector<int>{201});
  EXPECT_EQ(orphans.bodies, std::vector<std::string>{"1234"});
  EXPECT_EQ(upstream.stats().orphans, 1u);
  EXPECT_EQ(upstream.in_flight(), 0u);
  EXPECT_EQ(budget.used, 0u);
}

TEST(Upstream, CancelsAPostThatWasNotSentYet) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Orphans orphans;
  UpstreamOptions options = noting(api, orphans);
  options.gate.max_in_flight = 1;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    TaskGroup hanging(loop);
    auto hang = [&]() -> Task<> { co_await upstream.call(request("/hang"), plain()); };
    hanging.spawn(hang());
    co_await until(loop, [&] { return api.request_count() == 1; });
    TaskGroup group(loop);
    auto order = [&]() -> Task<> { co_await upstream.call(request("/orders", "POST"), plain()); };
    group.spawn(order());
    co_await io_turn(loop);
    EXPECT_EQ(upstream.queued(), 1u);
    group.cancel();
    co_await group.join();
    EXPECT_EQ(upstream.queued(), 0u);
    hanging.cancel();
  });
  EXPECT_EQ(api.request_count(), 1u);
  EXPECT_EQ(upstream.stats().orphans, 0u);
}

TEST(Upstream, AnswersAPostWhoseCallerStays) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Orphans orphans;
  Budget budget;
  UpstreamOptions options = noting(api, orphans);
  options.bodies = &budget;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    {
      auto outcome = co_await upstream.call(request("/orders", "POST"), plain());
      EXPECT_TRUE(outcome.response->ok());
      EXPECT_EQ(budget.used, 1u);
    }
    EXPECT_EQ(budget.used, 0u);
  });
  EXPECT_TRUE(orphans.statuses.empty());
}

TEST(Upstream, CancelsItsOrphansWhenItIsDestroyed) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Orphans orphans;
  {
    Upstream upstream(session, noting(api, orphans));
    run_test(loop, [&]() -> Task<> {
      TaskGroup group(loop);
      auto order = [&]() -> Task<> { co_await upstream.call(request("/hang", "POST"), plain()); };
      group.spawn(order());
      co_await until(loop, [&] { return api.request_count() == 1; });
      group.cancel();
      co_await group.join();
    });
    EXPECT_EQ(upstream.in_flight(), 1u);
  }
  EXPECT_EQ(session.active(), 0u);
  EXPECT_TRUE(orphans.statuses.empty());
}

TEST(Upstream, CountsInStats) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    co_await upstream.call(request("/"), plain());
    CallOptions options = plain({.first_byte = 20ms});
    co_await upstream.call(request("/hang"), options);
  });
  EXPECT_EQ(
      upstream.stats_json(),
      R"({"in_flight":0,"waiting":0,"calls":2,"attempts":2,"replays":0,"retries":0,"hedges":0,"hits":0,)"
      R"("stale":0,"revalidated":0,"coalesced":0,"refused":0,"rate_limited":0,"timeouts":1,"failed":1,)"
      R"("orphans":0,"breaker":"closed","breaker_opened":0,"gate":"open"})");
}

}  // namespace
}  // namespace linegate
