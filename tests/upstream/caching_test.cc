// Answers from the cache, fresh and stale, and what fills and empties it, through an Upstream against a real
// server.
#include <gtest/gtest.h>

#include <functional>

#include "calls.h"

namespace linegate {
namespace {

const std::string kStaleIfError = "Cache-Control: max-age=0, stale-if-error=60\r\n";
const std::string kStaleWhileRevalidate = "Cache-Control: max-age=0, stale-while-revalidate=60\r\n";
const std::string kTagged = "Cache-Control: max-age=0\r\nETag: \"a\"\r\n";

// An API, and a cache in front of it.
struct Site {
  explicit Site(ScriptedApi::Script script, std::function<void(UpstreamOptions&)> change = {})
      : api(std::make_unique<ScriptedApi>(std::move(script))), upstream(session, options(change)) {}
  UpstreamOptions options(const std::function<void(UpstreamOptions&)>& change) {
    UpstreamOptions made = to(*api, &cache);
    if (change) change(made);
    return made;
  }
  Task<std::string> ask(CallOptions how = with(patient()), Request what = request()) {
    Outcome outcome = co_await upstream.call(std::move(what), std::move(how));
    body = outcome.response->body;
    co_return told(outcome);
  }

  std::unique_ptr<ScriptedApi> api;
  Loop loop;
  Session session{loop};
  Cache cache{1 << 20};
  Upstream upstream;
  std::string body;  // of the last answer
};

CallOptions fresh(Duration younger_than = 0s) {
  CallOptions options = with(patient());
  options.fresh = younger_than;
  return options;
}

TEST(Caching, AnswersFromTheCache) {
  Site site(in_turn({reply("[ 1 ]", "200 OK", "Cache-Control: max-age=60\r\nAge: 7\r\n")}));
  run_test(site.loop, [&]() -> Task<> {
    EXPECT_EQ(co_await site.ask(), "200 miss");
    auto outcome = co_await site.upstream.call(request(), with(patient()));
    EXPECT_EQ(told(outcome), "200 hit");
    EXPECT_EQ(outcome.response->body, "[1]");
    EXPECT_EQ(outcome.attempts, 0u);
    EXPECT_GE(outcome.age, 7s);
  });
  EXPECT_EQ(site.api->request_count(), 1u);
  EXPECT_EQ(site.upstream.stats().calls, 2u);
  EXPECT_EQ(site.upstream.stats().hits, 1u);
  EXPECT_EQ(site.upstream.stats().attempts, 1u);
}

TEST(Caching, AnswersFromTheCacheWithoutWaiting) {
  Site site(in_turn({reply("1", "200 OK", "Cache-Control: max-age=60\r\n")}));
  run_test(site.loop, [&]() -> Task<> {
    EXPECT_FALSE(site.upstream.answer_from_cache(request(), with(patient())));
    EXPECT_EQ(site.upstream.stats().calls, 0u);
    co_await site.ask();
    auto outcome = site.upstream.answer_from_cache(request(), with(patient()));
    EXPECT_TRUE(outcome && told(*outcome) == "200 hit");
  });
  EXPECT_EQ(site.upstream.stats().calls, 2u);
  EXPECT_EQ(site.upstream.stats().hits, 1u);
}

TEST(Caching, ChargesNobodyForWhatIsStored) {
  Purse purse;
  Site site(in_turn({reply("[12345678]", "200 OK", "Cache-Control: max-age=60\r\n")}),
            [&](UpstreamOptions& options) { options.bodies = &purse; });
  run_test(site.loop, [&]() -> Task<> {
    auto outcome = co_await site.upstream.call(request(), with(patient()));
    EXPECT_EQ(purse.most, 10u);
    EXPECT_EQ(purse.used, 0u);
    auto again = co_await site.upstream.call(request(), with(patient()));
    EXPECT_EQ(again.response, outcome.response);
  });
  EXPECT_EQ(purse.used, 0u);
}

TEST(Caching, StoresNothingThatIsNotJson) {
  Site site(in_turn({reply("{", "200 OK", "Cache-Control: max-age=60\r\n")}));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    EXPECT_EQ(site.cache.entries(), 0u);
    CallPolicy text = patient();
    text.json = false;
    co_await site.ask(with(text));
    EXPECT_EQ(site.cache.entries(), 1u);
  });
}

TEST(Caching, StoresNothingForOtherMethods) {
  Site site(in_turn({reply("1", "200 OK", "Cache-Control: max-age=60\r\n")}));
  run_test(site.loop, [&]() -> Task<> {
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"})
      co_await site.ask(with(storing()), request("/x", method));
  });
  EXPECT_EQ(site.cache.entries(), 0u);
}

TEST(Caching, ForgetsWhatTheApiNoLongerSays) {
  const std::string storable = "Cache-Control: max-age=60\r\n";
  for (const std::string& then :
       {reply("2", "200 OK", "Cache-Control: no-store\r\n"), reply("2", "404 Gone")}) {
    Site site(in_turn({reply("1", "200 OK", storable), then}));
    run_test(site.loop, [&]() -> Task<> {
      co_await site.ask();
      EXPECT_EQ(site.cache.entries(), 1u);
      co_await site.ask(fresh());
      EXPECT_EQ(site.cache.entries(), 0u);
    });
  }
}

TEST(Caching, KeepsWhatItHasWhenTheApiFails) {
  Site site(in_turn({reply("1", "200 OK", "Cache-Control: max-age=60\r\n"), reply("2", "500 Oh")}));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    EXPECT_EQ(co_await site.ask(fresh()), "500 miss");
    EXPECT_EQ(co_await site.ask(), "200 hit");
  });
}

// ---- revalidation

TEST(Caching, AsksWhetherWhatItHasIsStillGood) {
  Site site(in_turn(
      {reply("[1]", "200 OK", kTagged), "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\n\r\n"}));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    EXPECT_EQ(co_await site.ask(), "200 revalidated");
    EXPECT_EQ(site.body, "[1]");
    EXPECT_EQ(co_await site.ask(), "200 hit");
  });
  auto requests = site.api->requests();
  EXPECT_FALSE(has(requests.at(0), "If-None-Match"));
  EXPECT_TRUE(has(requests.at(1), "If-None-Match: \"a\"\r\n"));
  EXPECT_EQ(requests.size(), 2u);
  EXPECT_EQ(site.upstream.stats().revalidated, 1u);
}

TEST(Caching, SharesWhatWasRevalidated) {
  Site site(in_turn({reply("[1]", "200 OK", kTagged), "HTTP/1.1 304 Not Modified\r\n\r\n"}));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    Callers callers;
    add(callers, site.loop, site.upstream, 3, with(patient()));
    co_await all(callers);
    EXPECT_EQ(callers[0]->told(), "200 revalidated");
    EXPECT_EQ(callers[2]->told(), "200 coalesced");
    EXPECT_EQ(callers[2]->outcome().response->body, "[1]");
  });
  EXPECT_EQ(site.api->request_count(), 2u);
}

TEST(Caching, TakesTheNewAnswerWhereTheOldIsNotGoodAnyMore) {
  Site site(in_turn({reply("1", "200 OK", kTagged), reply("2", "200 OK", kTagged)}));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    EXPECT_EQ(co_await site.ask(), "200 miss");
    EXPECT_EQ(site.body, "2");
  });
}

// ---- stale while it is being refreshed

TEST(Caching, AnswersStaleAtOnceAndRefreshesOnce) {
  Latch open;
  ScriptedApi::Script script = [&](ScriptedApi::Connection& connection) {
    connection.read_request();
    connection.send(reply("1", "200 OK", kStaleWhileRevalidate));
    connection.read_request();
    open.wait();
    connection.send(reply("2", "200 OK", "Cache-Control: max-age=60\r\n"));
    connection.wait_for_end();
  };
  Site site(script);
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(co_await site.ask(), "200 stale");
    EXPECT_EQ(site.body, "1");
    auto now = site.upstream.answer_from_cache(request(), with(patient()));
    EXPECT_TRUE(now && told(*now) == "200 stale");
    open.set();
    co_await until(site.loop, [&] { return site.cache.stats().stored == 2; });
    EXPECT_EQ(co_await site.ask(), "200 hit");
    EXPECT_EQ(site.body, "2");
  });
  EXPECT_EQ(site.api->request_count(), 2u);
  EXPECT_EQ(site.upstream.stats().stale, 6u);
}

TEST(Caching, RefreshesAgainAfterARefreshThatFailed) {
  Site site(in_turn({reply("1", "200 OK", kStaleWhileRevalidate), reply("2", "500 Oh"),
                     reply("3", "200 OK", "Cache-Control: max-age=60\r\n")}));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    EXPECT_EQ(co_await site.ask(), "200 stale");
    co_await until(site.loop, [&] { return site.api->request_count() == 2 && site.session.active() == 0; });
    co_await io_turn(site.loop);
    EXPECT_EQ(co_await site.ask(), "200 stale");
    EXPECT_EQ(site.body, "1");
    co_await until(site.loop, [&] { return site.cache.stats().stored == 2; });
    co_await site.ask();
    EXPECT_EQ(site.body, "3");
  });
}

// ---- stale because the API fails

struct Failure {
  const char* name;
  std::string then;  // what the API says the second time; empty: nothing
  Duration client = Duration::max();
  Duration first_byte = 1h;
};

TEST(Caching, AnswersStaleWhenTheApiFails) {
  const Failure failures[] = {
      {"500", reply("2", "500 Oh")},
      {"503", reply("2", "503 Oh", "Retry-After: 9\r\n")},
      {"429", reply("2", "429 Slow")},
      {"not HTTP", "SSH-2.0-x\r\n\r\n"},
      {"first_byte clock", "", Duration::max(), 20ms},
      {"the client's own time", "", 20ms},
  };
  for (const Failure& failure : failures) {
    SCOPED_TRACE(failure.name);
    Site site(in_turn({reply("1", "200 OK", kStaleIfError), failure.then}));
    CallPolicy policy = patient();
    policy.timeouts.first_byte = failure.first_byte;
    run_test(site.loop, [&]() -> Task<> {
      co_await site.ask();
      auto outcome = co_await site.upstream.call(request(), with(policy, failure.client));
      EXPECT_EQ(told(outcome), "200 stale");
      EXPECT_EQ(outcome.response->body, "1");
      EXPECT_EQ(outcome.attempts, 1u);
      EXPECT_GT(outcome.age, 0s);
    });
    EXPECT_EQ(site.upstream.stats().stale, 1u);
    EXPECT_EQ(site.upstream.stats().failed, 0u);
  }
}

TEST(Caching, AnswersStaleWhenTheApiIsGone) {
  Site site(in_turn({reply("1", "200 OK", kStaleIfError)}));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    site.api.reset();
    EXPECT_EQ(co_await site.ask(), "200 stale");
  });
}

TEST(Caching, AnswersStaleWhenTheConnectionIsLost) {
  Site site([](ScriptedApi::Connection& connection) {
    connection.read_request();
    if (connection.number == 0)
      connection.send(reply("1", "200 OK", kStaleIfError + "Connection: close\r\n"));
    connection.reset();
  });
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    EXPECT_EQ(co_await site.ask(), "200 stale");
  });
}

TEST(Caching, AnswersStaleWhenTheBreakerIsOpen) {
  Site site(in_turn({reply("1", "200 OK", kStaleIfError), reply("2", "500 Oh")}),
            [](UpstreamOptions& options) { options.breaker.consecutive = 1; });
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    EXPECT_EQ(co_await site.ask(with(patient()), request("/other")), "500 miss");
    auto outcome = co_await site.upstream.call(request(), with(patient()));
    EXPECT_EQ(told(outcome), "200 stale");
    EXPECT_EQ(outcome.attempts, 0u);
    EXPECT_EQ(co_await site.ask(fresh()), "breaker unsent");
  });
  EXPECT_EQ(site.api->request_count(), 2u);
}

TEST(Caching, AnswersStaleWhenTheApiHasClosedTheGate) {
  Site site(in_turn({reply("1", "200 OK", kStaleIfError), reply("2", "429 Slow", "Retry-After: 9\r\n")}));
  CallPolicy policy = patient();
  policy.timeouts.queue = 1s;
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    co_await site.ask(with(policy), request("/other"));
    EXPECT_EQ(co_await site.ask(with(policy)), "200 stale");
    EXPECT_EQ(co_await site.ask(with(policy), request("/other")), "rate_limited unsent");
  });
  EXPECT_EQ(site.api->request_count(), 2u);
  EXPECT_EQ(site.upstream.stats().rate_limited, 1u);
}

TEST(Caching, AnswersStaleWhenItsOwnRateIsUsedUp) {
  Site site(in_turn({reply("1", "200 OK", kStaleIfError)}),
            [](UpstreamOptions& options) { options.pace = {.per_second = 0.01, .burst = 1}; });
  CallPolicy policy = patient();
  policy.timeouts.queue = 1s;
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    EXPECT_EQ(co_await site.ask(with(policy)), "200 stale");
  });
  EXPECT_EQ(site.api->request_count(), 1u);
}

TEST(Caching, AnswersStaleWhenTheQueueIsFull) {
  Site site(answering_but_hang(reply("1", "200 OK", kStaleIfError)),
            [](UpstreamOptions& options) { options.gate = {.max_in_flight = 1, .max_queue = 0}; });
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    Caller hog(site.loop, site.upstream, request("/hang"), with(patient()));
    co_await until(site.loop, [&] { return site.upstream.in_flight() == 1; });
    EXPECT_EQ(co_await site.ask(), "200 stale");
    EXPECT_EQ(co_await site.ask(with(patient()), request("/other")), "overloaded unsent");
    hog.leave();
  });
}

TEST(Caching, AnswersStaleWhenTheQueueClockRunsOut) {
  Site site(answering_but_hang(reply("1", "200 OK", kStaleIfError)),
            [](UpstreamOptions& options) { options.gate.max_in_flight = 1; });
  CallPolicy policy = patient();
  policy.timeouts.queue = 20ms;
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    Caller hog(site.loop, site.upstream, request("/hang"), with(patient()));
    co_await until(site.loop, [&] { return site.upstream.in_flight() == 1; });
    EXPECT_EQ(co_await site.ask(with(policy)), "200 stale");
    hog.leave();
  });
}

TEST(Caching, AnswersStaleToAllButFreshCallersOfOneFlight) {
  Site site(in_turn({reply("1", "200 OK", kStaleIfError), reply("2", "500 Oh")}));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    Caller asks_anew(site.loop, site.upstream, request(), fresh());
    Caller joins(site.loop, site.upstream, request(), with(patient()));
    co_await asks_anew.end();
    co_await joins.end();
    EXPECT_EQ(asks_anew.told(), "500 miss");
    EXPECT_EQ(joins.told(), "200 stale");
  });
  EXPECT_EQ(site.api->request_count(), 2u);
}

TEST(Caching, PassesOnWhatIsWrongWithTheRequest) {
  Site site(in_turn({reply("1", "200 OK", kStaleIfError), reply("2", "400 Bad")}));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    EXPECT_EQ(co_await site.ask(), "400 miss");
  });
}

TEST(Caching, GivesNoStaleAnswerWhereNoneIsPermitted) {
  Site site(in_turn({reply("1", "200 OK", kTagged), reply("2", "500 Oh")}));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    EXPECT_EQ(co_await site.ask(), "500 miss");
  });
}

// ---- @fresh

TEST(Caching, AsksAnewWhenTheCallerWantsIt) {
  Site site(in_turn({reply("1", "200 OK", "Cache-Control: max-age=60\r\n"),
                     reply("2", "200 OK", "Cache-Control: max-age=60\r\n")}));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    EXPECT_EQ(co_await site.ask(fresh(1h)), "200 hit");
    EXPECT_EQ(co_await site.ask(fresh()), "200 miss");
    EXPECT_EQ(site.body, "2");
    EXPECT_EQ(co_await site.ask(), "200 hit");
    EXPECT_EQ(site.body, "2");
  });
  EXPECT_EQ(site.api->request_count(), 2u);
}

TEST(Caching, GivesAFreshCallerNothingStale) {
  Site site(in_turn({reply("1", "200 OK", kStaleWhileRevalidate), reply("2")}));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    EXPECT_EQ(co_await site.ask(fresh(1h)), "200 miss");
    EXPECT_EQ(site.body, "2");
  });
}

TEST(Caching, KeepsTheAnswerToTheLaterOfTwoRequests) {
  Latch open;
  Site site([&](ScriptedApi::Connection& connection) {
    for (std::string text; !(text = connection.read_request()).empty();) {
      if (connection.number == 0) open.wait();
      connection.send(reply(connection.number == 0 ? "1" : "2", "200 OK", "Cache-Control: max-age=60\r\n"));
    }
  });
  run_test(site.loop, [&]() -> Task<> {
    Caller early(site.loop, site.upstream, request(), with(patient()));
    co_await until(site.loop, [&] { return site.api->request_count() == 1; });
    co_await site.ask(fresh());
    open.set();
    co_await early.end();
    EXPECT_EQ(early.outcome().response->body, "1");
    co_await site.ask();
    EXPECT_EQ(site.body, "2");
  });
}

// ---- what has an effect

// Answers GET with something storable, other methods with `answer`; empty: it hangs up without a word.
ScriptedApi::Script changing(std::string answer) {
  return [answer](ScriptedApi::Connection& connection) {
    for (std::string text; !(text = connection.read_request()).empty();) {
      bool get = text.starts_with("GET");
      if (!get && answer.empty()) return connection.reset();
      connection.send(get ? reply("1", "200 OK", "Cache-Control: max-age=60\r\n") : answer);
    }
  };
}

TEST(Caching, ForgetsWhatARequestWithAnEffectMayHaveChanged) {
  struct {
    const char* method;
    std::string answer;
    std::size_t left;
  } const cases[] = {
      {"POST", reply("1"), 0},           {"PUT", reply("1"), 0},    {"DELETE", reply("1"), 0},
      {"POST", reply("1", "302 Go"), 0}, {"POST", "", 0},           {"POST", reply("1", "400 No"), 1},
      {"POST", reply("1", "500 Oh"), 1}, {"OPTIONS", reply("1"), 1}};
  for (const auto& one : cases) {
    SCOPED_TRACE(std::string(one.method) + " " + one.answer);
    Site site(changing(one.answer));
    run_test(site.loop, [&]() -> Task<> {
      co_await site.ask();
      co_await site.ask(with(patient()), request("/other"));
      co_await site.ask(with(patient()), request("/x", one.method));
    });
    EXPECT_EQ(site.cache.entries(), 1 + one.left);  // that of /other stays
  }
}

TEST(Caching, ForgetsNothingWhenNothingWasSent) {
  Site site(changing(reply("1")));
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    site.api.reset();
    EXPECT_EQ(co_await site.ask(with(patient()), request("/x", "POST")), "connect unsent");
  });
  EXPECT_EQ(site.cache.entries(), 1u);
}

TEST(Caching, ForgetsWhatAPutMayHaveChangedThatWasCancelledHalfWay) {
  ScriptedApi::Script script = ScriptedApi::answering([](const std::string& text) {
    return text.starts_with("GET") ? reply("1", "200 OK", "Cache-Control: max-age=60\r\n") : std::string();
  });
  Site site(script);
  run_test(site.loop, [&]() -> Task<> {
    co_await site.ask();
    Caller put(site.loop, site.upstream, request("/x", "PUT"), with(patient()));
    co_await until(site.loop, [&] { return site.api->request_count() == 2; });
    put.leave();
    co_await put.end();
  });
  EXPECT_EQ(site.cache.entries(), 0u);
}

// GET is answered with something storable once `open` is set, POST at once.
ScriptedApi::Script overtaken(Latch& open) {
  return ScriptedApi::answering([&open](const std::string& text) {
    if (text.starts_with("GET")) open.wait();
    return reply("1", "200 OK", "Cache-Control: max-age=60\r\n");
  });
}

TEST(Caching, DoesNotKeepWhatWasOnItsWayMeanwhile) {
  for (bool coalesce : {true, false}) {
    SCOPED_TRACE(coalesce);
    Latch open;
    Site site(overtaken(open));
    CallPolicy policy = patient();
    policy.coalesce = coalesce;
    run_test(site.loop, [&]() -> Task<> {
      Caller early(site.loop, site.upstream, request(), with(policy));
      co_await until(site.loop, [&] { return site.api->request_count() == 1; });
      co_await site.ask(with(patient()), request("/x", "POST"));
      open.set();
      co_await early.end();
      EXPECT_EQ(early.told(), "200 miss");
    });
    EXPECT_EQ(site.cache.entries(), 0u);
  }
}

TEST(Caching, JoinsNobodyToWhatWasOnItsWayMeanwhile) {
  for (CacheMode mode : {CacheMode::rfc9111, CacheMode::off}) {
    Latch open;
    Site site(overtaken(open));
    CallPolicy policy = patient();
    policy.cache.mode = mode;
    run_test(site.loop, [&]() -> Task<> {
      Caller early(site.loop, site.upstream, request(), with(policy));
      co_await until(site.loop, [&] { return site.api->request_count() == 1; });
      co_await site.ask(with(policy), request("/x", "POST"));
      Caller late(site.loop, site.upstream, request(), with(policy));
      co_await until(site.loop, [&] { return site.api->request_count() == 3; });
      open.set();
      co_await early.end();
      co_await late.end();
      EXPECT_NE(late.outcome().source, Source::coalesced);
      EXPECT_NE(late.outcome().response, early.outcome().response);
    });
    EXPECT_EQ(site.cache.entries(), mode == CacheMode::off ? 0u : 1u);
  }
}

TEST(Caching, LeavesTheNewerAnswerInItsPlace) {
  Latch open;
  Site site([&](ScriptedApi::Connection& connection) {
    for (std::string text; !(text = connection.read_request()).empty();) {
      if (connection.number == 0) open.wait();
      connection.send(reply(connection.number == 0 ? "1" : "2", "200 OK", "Cache-Control: max-age=60\r\n"));
    }
  });
  run_test(site.loop, [&]() -> Task<> {
    Caller early(site.loop, site.upstream, request(), with(patient()));
    co_await until(site.loop, [&] { return site.api->request_count() == 1; });
    co_await site.ask(with(patient()), request("/x", "POST"));
    EXPECT_EQ(co_await site.ask(), "200 miss");
    open.set();
    co_await early.end();
    EXPECT_EQ(co_await site.ask(), "200 hit");
    EXPECT_EQ(site.body, "2");
  });
}

}  // namespace
}  // namespace linegate
