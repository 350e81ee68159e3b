// Further attempts: after which ends, how many, when, and what is told of them, through an Upstream against a
// real server.
#include <gtest/gtest.h>

#include "calls.h"

namespace linegate {
namespace {

using Connection = ScriptedApi::Connection;

const std::string kBusy = reply("0", "503 Busy");

// Its first request fails in the way of `fail`, later ones are answered.
ScriptedApi::Script failing_once(std::function<void(Connection&)> fail) {
  auto first = std::make_shared<std::atomic<bool>>(true);
  return [first, fail](Connection& connection) {
    while (!connection.read_request().empty()) {
      if (first->exchange(false)) return fail(connection);
      connection.send(reply("1"));
    }
  };
}

void hang(Connection& connection) {
  connection.wait_for_end();
}
void reset(Connection& connection) {
  connection.reset();
}
void reset_half_way(Connection& connection) {
  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12");
  connection.reset();
}
void refuse(Connection& connection) {
  connection.send(reply("0", "503 Busy", "Connection: close\r\n"));
  connection.finish();
}

TEST(Retrying, TriesAgainAfterWhatMayPass) {
  struct {
    const char* name;
    void (*fail)(Connection&);
  } const cases[] = {
      {"reset", reset}, {"reset half-way", reset_half_way}, {"first_byte", hang}, {"503", refuse}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    ScriptedApi api(failing_once(one.fail));
    Loop loop;
    Session session(loop);
    Upstream upstream(session, to(api));
    CallPolicy policy = retrying();
    policy.timeouts.first_byte = 100ms;
    run_test(loop, [&]() -> Task<> {
      auto outcome = co_await upstream.call(request(), with(policy));
      EXPECT_EQ(told(outcome), "200 miss");
      EXPECT_EQ(outcome.attempts, 2u);
    });
    EXPECT_EQ(api.request_count(), 2u);
    EXPECT_EQ(upstream.stats().retries, 1u);
    EXPECT_EQ(upstream.stats().attempts, 2u);
    EXPECT_EQ(upstream.stats().failed, 0u);
  }
}

TEST(Retrying, TriesAgainWhenNobodyListens) {
  Loop loop;
  Session session(loop);
  auto api = std::make_unique<ScriptedApi>(in_turn({reply("1")}));
  Upstream upstream(session, to(*api));
  api.reset();
  run_test(loop, [&]() -> Task<> {
    auto outcome = co_await upstream.call(request(), with(retrying(3)));
    EXPECT_EQ(told(outcome), "connect unsent");
    EXPECT_EQ(outcome.attempts, 3u);
  });
  EXPECT_EQ(upstream.stats().retries, 2u);
}

TEST(Retrying, PassesOnWhatWouldComeAgain) {
  const std::string answers[] = {reply("0", "404 No"), reply("0", "500 Oh"), reply("0", "301 Go"),
                                 "SSH-2.0-x\r\n\r\n"};
  for (const std::string& answer : answers) {
    SCOPED_TRACE(answer);
    ScriptedApi api(in_turn({answer}));
    Loop loop;
    Session session(loop);
    Upstream upstream(session, to(api));
    run_test(loop, [&]() -> Task<> {
      auto outcome = co_await upstream.call(request(), with(retrying()));
      EXPECT_EQ(outcome.attempts, 1u);
    });
    EXPECT_EQ(upstream.stats().retries, 0u);
  }
}

TEST(Retrying, EndsWithTheTotalClock) {
  ScriptedApi api(in_turn({""}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  CallPolicy policy = retrying(9);
  policy.timeouts.total = 50ms;
  run_test(loop, [&]() -> Task<> {
    auto outcome = co_await upstream.call(request(), with(policy));
    EXPECT_EQ(told(outcome), "timeout first_byte total sent");
    EXPECT_EQ(outcome.attempts, 1u);
  });
}

TEST(Retrying, TriesAsOftenAsItMay) {
  for (std::uint64_t attempts : {1u, 2u, 4u}) {
    ScriptedApi api(in_turn({kBusy}));
    Loop loop;
    Session session(loop);
    Upstream upstream(session, to(api));
    run_test(loop, [&]() -> Task<> {
      auto outcome = co_await upstream.call(request(), with(retrying(attempts)));
      EXPECT_EQ(told(outcome), "503 miss");
      EXPECT_EQ(outcome.attempts, attempts);
    });
    EXPECT_EQ(api.request_count(), attempts);
  }
}

TEST(Retrying, RepeatsOnlyWhatMayBeRepeated) {
  struct {
    const char* method;
    std::optional<Effect> effect;
    std::size_t requests;
  } const cases[] = {{"GET", {}, 2},
                     {"HEAD", {}, 2},
                     {"PUT", {}, 2},
                     {"DELETE", {}, 2},
                     {"POST", {}, 1},
                     {"PATCH", {}, 1},
                     {"POST", Effect::keyed, 2},
                     {"POST", Effect::none, 2},
                     {"GET", Effect::once, 1}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.method);
    ScriptedApi api(in_turn({reply("", "503 Busy"), reply("")}));
    Loop loop;
    Session session(loop);
    Upstream upstream(session, to(api));
    CallOptions how = with(retrying());
    how.effect = one.effect;
    run_test(loop, [&]() -> Task<> { co_await upstream.call(request("/x", one.method), how); });
    EXPECT_EQ(api.request_count(), one.requests);
  }
}

TEST(Retrying, IsOneRetryForAllWhoShareAFlight) {
  ScriptedApi api(in_turn({kBusy, reply("1")}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    Callers callers;
    add(callers, loop, upstream, 5, with(retrying()));
    co_await all(callers);
    EXPECT_EQ(callers[4]->told(), "200 coalesced");
    EXPECT_EQ(callers[4]->outcome().attempts, 2u);
  });
  EXPECT_EQ(upstream.stats().retries, 1u);
}

TEST(Retrying, EndsWhenItsBudgetIsSpent) {
  ScriptedApi api(in_turn({kBusy}));
  Loop loop;
  Session session(loop);
  UpstreamOptions options = to(api);
  options.retry_ratio = 0.5;
  options.retry_min_per_second = 0;
  options.breaker.enabled = false;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    for (int i = 0; i < 10; ++i) co_await upstream.call(request(), with(retrying()));
  });
  EXPECT_EQ(upstream.stats().retries, 5u);
  EXPECT_EQ(api.request_count(), 15u);
}

TEST(Retrying, MayBeForbiddenForAnUpstream) {
  ScriptedApi api(in_turn({kBusy}));
  Loop loop;
  Session session(loop);
  UpstreamOptions options = to(api);
  options.retry_ratio = 0;
  options.retry_min_per_second = 0;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    auto outcome = co_await upstream.call(request(), with(retrying(9)));
    EXPECT_EQ(outcome.attempts, 1u);
  });
}

// ---- Retry-After

TEST(Retrying, PausesForRetryAfter) {
  ScriptedApi api(in_turn({reply("0", "503 Busy", "Retry-After: 60\r\n"), reply("1")}));
  Loop loop;
  Session session(loop);
  UpstreamOptions options = to(api);
  options.pace.gate_max = 50ms;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    Time began = Clock::now();
    auto outcome = co_await upstream.call(request(), with(retrying()));
    EXPECT_EQ(told(outcome), "200 miss");
    EXPECT_GE(Clock::now() - began, 50ms);
    EXPECT_LT(outcome.queue, 50ms);  // it holds nothing meanwhile
  });
}

TEST(Retrying, GivesTheApisAnswerWhenThePauseIsLongerThanTheTimeLeft) {
  for (bool client : {false, true}) {
    ScriptedApi api(in_turn({reply("0", "429 Slow", "Retry-After: 60\r\n"), reply("1")}));
    Loop loop;
    Session session(loop);
    Upstream upstream(session, to(api));
    CallPolicy policy = retrying();
    if (!client) policy.timeouts.total = 10s;
    run_test(loop, [&]() -> Task<> {
      auto outcome = co_await upstream.call(request(), with(policy, client ? 10s : Duration::max()));
      EXPECT_EQ(told(outcome), "429 miss");
      EXPECT_EQ(outcome.attempts, 1u);
    });
    EXPECT_EQ(upstream.stats().retries, 0u);
  }
}

// ---- what is told

TEST(Retrying, KeepsTheApisAnswerWhenARetryIsRefusedHere) {
  ScriptedApi api(in_turn({kBusy}));
  Loop loop;
  Session session(loop);
  UpstreamOptions options = to(api);
  options.breaker.consecutive = 1;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    auto outcome = co_await upstream.call(request(), with(retrying(3)));
    EXPECT_EQ(told(outcome), "503 miss");
    EXPECT_EQ(outcome.attempts, 1u);
  });
  EXPECT_EQ(api.request_count(), 1u);
}

TEST(Retrying, RemembersThatAnEarlierAttemptWasSent) {
  auto api = std::make_unique<ScriptedApi>(in_turn({""}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(*api));
  run_test(loop, [&]() -> Task<> {
    Caller caller(loop, upstream, request(), with(retrying()));
    co_await until(loop, [&] { return api->request_count() == 1; });
    api.reset();
    co_await caller.end();
    EXPECT_EQ(caller.told(), "connect sent");
    EXPECT_EQ(caller.outcome().attempts, 2u);
  });
}

TEST(Retrying, TellsThatTimeRanOutInThePause) {
  ScriptedApi api(in_turn({reply("0", "503 Busy", "Retry-After: 60\r\n"), reply("1")}));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  CallPolicy hasty = retrying();
  hasty.timeouts.total = 200ms;
  run_test(loop, [&]() -> Task<> {
    Caller leader(loop, upstream, request(), with(retrying()));
    Caller by_total(loop, upstream, request(), with(hasty));
    co_await until(loop, [&] { return has(upstream.prospect(request(), {}).gate, "closed"); });
    co_await io_turn(loop);
    auto outcome = co_await upstream.call(request(), with(retrying(), 20ms));
    EXPECT_EQ(told(outcome), "timeout backoff client sent");
    EXPECT_EQ(outcome.attempts, 1u);
    co_await by_total.end();
    EXPECT_EQ(by_total.told(), "timeout backoff total sent");
    EXPECT_EQ(upstream.in_flight(), 0u);
    leader.leave();
  });
  EXPECT_EQ(api.request_count(), 1u);
}

TEST(Retrying, TellsThatTimeRanOutWhileConnecting) {
  // A listener whose queue is full: the handshake is not answered.
  int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&name), size), 0);
  EXPECT_EQ(::listen(listener, 0), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size);
  int filler = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(filler, reinterpret_cast<sockaddr*>(&name), size), 0);
  Loop loop;
  Session session(loop);
  UpstreamOptions options;
  options.base_url = "http://127.0.0.1:" + std::to_string(ntohs(name.sin_port));
  Upstream upstream(session, options);
  CallPolicy policy = retrying();
  policy.timeouts.connect = 50ms;
  run_test(loop, [&]() -> Task<> {
    auto outcome = co_await upstream.call(request(), with(policy));
    EXPECT_EQ(told(outcome), "timeout connect connect unsent");
    EXPECT_EQ(outcome.attempts, 2u);
    auto own = co_await upstream.call(request(), with(patient(), 20ms));
    EXPECT_EQ(told(own), "timeout connect client unsent");
  });
  ::close(filler);
  ::close(listener);
}

TEST(Retrying, TellsThatTimeRanOutInTheBody) {
  ScriptedApi api(in_turn({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12"}));
  Loop loop;
  Session session(loop);
  Purse purse;
  UpstreamOptions options = to(api);
  options.bodies = &purse;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    Caller leader(loop, upstream, request(), with(patient()));
    co_await until(loop, [&] { return purse.used == 2; });
    auto outcome = co_await upstream.call(request(), with(patient(), 20ms));
    EXPECT_EQ(told(outcome), "timeout body client sent");
    leader.leave();
  });
  EXPECT_EQ(purse.used, 0u);
}

// ---- what is not to be stopped

TEST(Retrying, EndsWhatCarriesAKeyThoughItsCallerIsGone) {
  Latch open;
  auto count = std::make_shared<std::atomic<int>>(0);
  ScriptedApi api(ScriptedApi::answering([&open, count](const std::string& /*request*/) {
    open.wait();
    return ++*count == 1 ? kBusy : reply("1", "201 Made");
  }));
  Loop loop;
  Session session(loop);
  std::vector<std::string> orphans;
  UpstreamOptions options = to(api);
  options.on_orphan = [&](const Outcome& outcome) { orphans.push_back(told(outcome)); };
  Upstream upstream(session, options);
  CallOptions how = with(retrying());
  how.effect = Effect::keyed;
  run_test(loop, [&]() -> Task<> {
    Caller caller(loop, upstream, request("/orders", "POST"), how);
    co_await until(loop, [&] { return api.request_count() == 1; });
    caller.leave();
    co_await caller.end();
    open.set();
    co_await upstream.settled();
    EXPECT_EQ(upstream.in_flight(), 0u);
  });
  EXPECT_EQ(orphans, std::vector<std::string>{"201 off"});
  EXPECT_EQ(api.request_count(), 2u);
  EXPECT_EQ(upstream.stats().orphans, 1u);
}

TEST(Retrying, HasSettledOnlyWhenAllHaveEnded) {
  Latch open;
  ScriptedApi api(held(open, reply("1")));
  Loop loop;
  Session session(loop);
  int ended = 0;
  UpstreamOptions options = to(api);
  options.on_orphan = [&](const Outcome& /*outcome*/) { ++ended; };
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    co_await upstream.settled();
    Callers callers;
    add(callers, loop, upstream, 3, with(patient()), request("/orders", "POST"));
    co_await until(loop, [&] { return api.request_count() == 3; });
    callers.clear();
    co_await Yield(loop);
    open.set();
    co_await upstream.settled();
    EXPECT_EQ(ended, 3);
  });
}

TEST(Retrying, EndsAPostWhoseCallersTimeIsUp) {
  Latch open;
  ScriptedApi api(held(open, reply("1")));
  Loop loop;
  Session session(loop);
  int ended = 0;
  UpstreamOptions options = to(api);
  options.on_orphan = [&](const Outcome& outcome) { ended += outcome.response->ok(); };
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    auto outcome = co_await upstream.call(request("/orders", "POST"), with(patient(), 50ms));
    EXPECT_EQ(told(outcome), "timeout first_byte client sent");
    open.set();
    co_await upstream.settled();
  });
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(api.request_count(), 1u);
}

TEST(Retrying, StopsAPutHalfWay) {
  std::atomic<int> hung_up{0};
  ScriptedApi api(hanging(hung_up));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    Caller caller(loop, upstream, request("/x", "PUT"), with(retrying()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    caller.leave();
    co_await caller.end();
    EXPECT_EQ(upstream.in_flight(), 0u);
    co_await until(loop, [&] { return hung_up == 1; });
  });
  EXPECT_EQ(upstream.stats().orphans, 0u);
}

}  // namespace
}  // namespace linegate
