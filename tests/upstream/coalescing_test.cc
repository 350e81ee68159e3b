// Many callers, one request: who joins, who leaves, who gets what, through an Upstream against a real server.
#include <gtest/gtest.h>

#include "calls.h"

namespace linegate {
namespace {

TEST(Coalescing, AsksOnceForMany) {
  Latch open;
  ScriptedApi api(held(open, reply("[1]")));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  Callers callers;
  run_test(loop, [&]() -> Task<> {
    add(callers, loop, upstream, 50, with(patient()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    add(callers, loop, upstream, 50, with(patient()));
    co_await Yield(loop);
    open.set();
    co_await all(callers);
  });
  EXPECT_EQ(api.request_count(), 1u);
  EXPECT_EQ(callers[0]->told(), "200 miss");
  for (std::size_t i = 1; i < callers.size(); ++i) {
    EXPECT_EQ(callers[i]->told(), "200 coalesced");
    EXPECT_EQ(callers[i]->outcome().attempts, 1u);
    EXPECT_EQ(callers[i]->outcome().response, callers[0]->outcome().response);
  }
  EXPECT_EQ(upstream.stats().calls, 100u);
  EXPECT_EQ(upstream.stats().attempts, 1u);
  EXPECT_EQ(upstream.stats().coalesced, 99u);
}

TEST(Coalescing, WakesAllCallersInOneTurn) {
  Latch open;
  ScriptedApi api(held(open, reply("1")));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  Callers callers;
  run_test(loop, [&]() -> Task<> {
    add(callers, loop, upstream, 20, with(patient()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    open.set();
    co_await callers[0]->end();
    co_await Yield(loop);
    for (auto& caller : callers) EXPECT_TRUE(caller->answered());
  });
}

struct Pair {
  const char* name;
  Request one;
  Request other;
  bool coalesce = true;
};

Request with_field(std::string value) {
  Request made = request();
  made.headers.emplace_back("X-Token", std::move(value));
  return made;
}

TEST(Coalescing, SharesNothingBetweenDifferentRequests) {
  const Pair pairs[] = {
      {"target", request("/a"), request("/b")},
      {"method", request("/a"), request("/a", "HEAD")},
      {"field", with_field("a"), with_field("b")},
      {"POST", request("/a", "POST"), request("/a", "POST")},
      {"PUT", request("/a", "PUT"), request("/a", "PUT")},
      {"DELETE", request("/a", "DELETE"), request("/a", "DELETE")},
      {"switched off", request("/a"), request("/a"), false},
  };
  for (const Pair& pair : pairs) {
    SCOPED_TRACE(pair.name);
    ScriptedApi api(answering_but_hang(reply("")));
    Loop loop;
    Session session(loop);
    Upstream upstream(session, to(api));
    CallPolicy policy = patient();
    policy.coalesce = pair.coalesce;
    run_test(loop, [&]() -> Task<> {
      Caller one(loop, upstream, pair.one, with(policy));
      Caller other(loop, upstream, pair.other, with(policy));
      co_await one.end();
      co_await other.end();
      std::string answer = pair.one.safe() ? "200 miss" : "200 off";
      EXPECT_EQ(one.told(), answer);
      EXPECT_EQ(other.told(), answer);
    });
    EXPECT_EQ(api.request_count(), 2u);
    EXPECT_EQ(upstream.stats().coalesced, 0u);
  }
}

TEST(Coalescing, SharesAPostThatHasNoEffect) {
  Latch open;
  ScriptedApi api(held(open, reply("1")));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  CallOptions how = with(patient());
  how.effect = Effect::none;
  run_test(loop, [&]() -> Task<> {
    Callers callers;
    add(callers, loop, upstream, 2, how, request("/search", "POST"));
    co_await Yield(loop);
    open.set();
    co_await all(callers);
    EXPECT_EQ(callers[1]->told(), "200 coalesced");
  });
  EXPECT_EQ(api.request_count(), 1u);
}

// ---- callers that leave

// One place, which is taken.
struct Full {
  Full(Loop& loop, Upstream& upstream) : hog(loop, upstream, request("/hang"), with(patient())) {}
  Caller hog;
};

UpstreamOptions with_one_place(const ScriptedApi& api) {
  UpstreamOptions options = to(api);
  options.gate.max_in_flight = 1;
  return options;
}

TEST(Coalescing, GoesOnForFollowersWhenTheLeaderLeavesBeforeItIsSent) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, with_one_place(api));
  run_test(loop, [&]() -> Task<> {
    Full full(loop, upstream);
    co_await until(loop, [&] { return api.request_count() == 1; });
    Caller leader(loop, upstream, request(), with(patient()));
    Caller follower(loop, upstream, request(), with(patient()));
    co_await io_turn(loop);
    EXPECT_EQ(upstream.queued(), 1u);
    leader.leave();
    co_await leader.end();
    EXPECT_EQ(upstream.queued(), 1u);
    full.hog.leave();
    co_await follower.end();
    EXPECT_EQ(follower.told(), "200 coalesced");
  });
  EXPECT_EQ(api.request_count(), 2u);
}

TEST(Coalescing, IsNotSentWhenTheLastCallerLeavesBefore) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, with_one_place(api));
  run_test(loop, [&]() -> Task<> {
    Full full(loop, upstream);
    co_await until(loop, [&] { return api.request_count() == 1; });
    Callers callers;
    add(callers, loop, upstream, 2, with(storing()));
    co_await io_turn(loop);
    callers.clear();
    co_await Yield(loop);
    EXPECT_EQ(upstream.queued(), 0u);
    full.hog.leave();
    co_await full.hog.end();
    EXPECT_EQ(upstream.in_flight(), 0u);
  });
  EXPECT_EQ(api.request_count(), 1u);
}

TEST(Coalescing, GoesOnForFollowersWhenTheLeaderLeavesAfterItWasSent) {
  Latch open;
  ScriptedApi api(held(open, reply("1")));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    Caller leader(loop, upstream, request(), with(patient()));
    Caller follower(loop, upstream, request(), with(patient()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    leader.leave();
    co_await leader.end();
    open.set();
    co_await follower.end();
    EXPECT_EQ(follower.told(), "200 coalesced");
  });
  EXPECT_EQ(api.request_count(), 1u);
  EXPECT_EQ(upstream.stats().orphans, 0u);
}

TEST(Coalescing, HangsUpWhenTheLastCallerLeaves) {
  std::atomic<int> hung_up{0};
  ScriptedApi api(hanging(hung_up));
  Loop loop;
  Session session(loop);
  Cache cache(1 << 20);
  Upstream upstream(session, to(api, &cache));
  run_test(loop, [&]() -> Task<> {
    Callers callers;
    add(callers, loop, upstream, 3, with(patient()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    callers.pop_back();
    callers.pop_back();
    co_await io_turn(loop);
    EXPECT_EQ(upstream.in_flight(), 1u);
    callers.pop_back();
    co_await until(loop, [&] { return hung_up == 1; });
    EXPECT_EQ(upstream.in_flight(), 0u);
  });
}

TEST(Coalescing, EndsForTheCacheWhenAllHaveLeftWhatWasSent) {
  Latch open;
  ScriptedApi api(held(open, reply("1")));
  Loop loop;
  Session session(loop);
  Cache cache(1 << 20);
  Upstream upstream(session, to(api, &cache));
  run_test(loop, [&]() -> Task<> {
    Caller caller(loop, upstream, request(), with(storing()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    caller.leave();
    co_await caller.end();
    EXPECT_EQ(upstream.in_flight(), 1u);
    open.set();
    co_await until(loop, [&] { return cache.entries() == 1; });
    auto outcome = co_await upstream.call(request(), with(storing()));
    EXPECT_EQ(told(outcome), "200 hit");
  });
  EXPECT_EQ(api.request_count(), 1u);
  EXPECT_EQ(upstream.stats().orphans, 0u);
}

TEST(Coalescing, IsJoinedAgainWhileItFillsTheCacheForNobody) {
  Latch open;
  ScriptedApi api(held(open, reply("1")));
  Loop loop;
  Session session(loop);
  Cache cache(1 << 20);
  Upstream upstream(session, to(api, &cache));
  run_test(loop, [&]() -> Task<> {
    Caller first(loop, upstream, request(), with(storing()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    first.leave();
    co_await first.end();
    Caller second(loop, upstream, request(), with(storing()));
    co_await Yield(loop);
    open.set();
    co_await second.end();
    EXPECT_EQ(second.told(), "200 coalesced");
  });
  EXPECT_EQ(api.request_count(), 1u);
}

TEST(Coalescing, FillsNoCacheWhereThereIsNone) {
  std::atomic<int> hung_up{0};
  ScriptedApi api(hanging(hung_up));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    Caller caller(loop, upstream, request(), with(storing()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    caller.leave();
    co_await caller.end();
    EXPECT_EQ(upstream.in_flight(), 0u);
  });
}

TEST(Coalescing, EndsForTheCacheWhatRefreshesAnOlderEntry) {
  Latch open;
  ScriptedApi api([&](ScriptedApi::Connection& connection) {
    connection.read_request();
    connection.send(reply("1", "200 OK", "Cache-Control: max-age=0\r\nETag: \"a\"\r\n"));
    connection.read_request();
    open.wait();
    connection.send(reply("2", "200 OK", "Cache-Control: max-age=60\r\n"));
    connection.wait_for_end();
  });
  Loop loop;
  Session session(loop);
  Cache cache(1 << 20);
  Upstream upstream(session, to(api, &cache));
  run_test(loop, [&]() -> Task<> {
    co_await upstream.call(request(), with(patient()));
    Caller caller(loop, upstream, request(), with(patient()));
    co_await until(loop, [&] { return api.request_count() == 2; });
    caller.leave();
    co_await caller.end();
    EXPECT_EQ(upstream.in_flight(), 1u);
    open.set();
    co_await until(loop, [&] { return cache.stats().stored == 2; });
    auto outcome = co_await upstream.call(request(), with(patient()));
    EXPECT_EQ(told(outcome), "200 hit");
    EXPECT_EQ(outcome.response->body, "2");
  });
}

TEST(Coalescing, IsNotJoinedOnceItIsCancelled) {
  Latch open;
  ScriptedApi api(held(open, reply("1")));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    auto first = std::make_unique<Caller>(loop, upstream, request(), with(patient()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    first.reset();  // its flight is destroyed when this coroutine suspends
    open.set();
    auto outcome = co_await upstream.call(request(), with(patient()));
    EXPECT_EQ(told(outcome), "200 miss");
  });
  EXPECT_EQ(api.request_count(), 2u);
}

// ---- deadlines

TEST(Coalescing, EndsAFollowerByItsOwnDeadline) {
  Latch open;
  ScriptedApi api(held(open, reply("1")));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    Caller leader(loop, upstream, request(), with(patient()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    auto outcome = co_await upstream.call(request(), with(patient(), 20ms));
    EXPECT_EQ(told(outcome), "timeout first_byte client sent");
    EXPECT_EQ(outcome.response->error->limit_value, 20ms);
    EXPECT_EQ(outcome.attempts, 1u);
    open.set();
    co_await leader.end();
    EXPECT_EQ(leader.told(), "200 miss");
  });
  EXPECT_EQ(upstream.stats().timeouts, 1u);
}

TEST(Coalescing, GoesOnForFollowersWhenTheLeadersTimeIsUp) {
  Latch open;
  ScriptedApi api(held(open, reply("1")));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  CallPolicy hasty = patient();
  hasty.timeouts.total = 200ms;
  run_test(loop, [&]() -> Task<> {
    Caller by_total(loop, upstream, request(), with(hasty));
    Caller by_client(loop, upstream, request(), with(patient(), 100ms));
    Caller follower(loop, upstream, request(), with(patient()));
    co_await by_client.end();
    co_await by_total.end();
    EXPECT_EQ(by_client.told(), "timeout first_byte client sent");
    EXPECT_EQ(by_total.told(), "timeout first_byte total sent");
    EXPECT_EQ(by_total.outcome().response->error->limit_value, 200ms);
    open.set();
    co_await follower.end();
    EXPECT_EQ(follower.told(), "200 coalesced");
  });
  EXPECT_EQ(api.request_count(), 1u);
}

TEST(Coalescing, QueuesUntilTheLatestQueueClock) {
  ScriptedApi api(answering_but_hang());
  Loop loop;
  Session session(loop);
  Upstream upstream(session, with_one_place(api));
  CallPolicy policy = patient();
  policy.timeouts.queue = 300ms;
  run_test(loop, [&]() -> Task<> {
    Full full(loop, upstream);
    co_await until(loop, [&] { return api.request_count() == 1; });
    Time began = loop.now();
    Caller leader(loop, upstream, request(), with(policy));
    co_await until(loop, [&] { return loop.now() >= began + 50ms; });
    Caller follower(loop, upstream, request(), with(policy));
    co_await follower.end();
    co_await leader.end();
    EXPECT_EQ(leader.told(), "timeout queue queue unsent");
    EXPECT_EQ(follower.told(), "timeout queue queue unsent");
    EXPECT_GE(loop.now() - began, 350ms);
    full.hog.leave();
  });
}

// ---- @fresh

TEST(Coalescing, JoinsAFreshCallerToNobodyButOthersToIt) {
  Latch open;
  ScriptedApi api(held(open, reply("1")));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  CallOptions fresh = with(patient());
  fresh.fresh = 0s;
  run_test(loop, [&]() -> Task<> {
    Caller before(loop, upstream, request(), with(patient()));
    Caller asks_anew(loop, upstream, request(), fresh);
    Caller after(loop, upstream, request(), with(patient()));
    co_await until(loop, [&] { return api.request_count() == 2; });
    open.set();
    co_await before.end();
    co_await asks_anew.end();
    co_await after.end();
    EXPECT_EQ(before.told(), "200 miss");
    EXPECT_EQ(asks_anew.told(), "200 miss");
    EXPECT_EQ(after.told(), "200 coalesced");
    EXPECT_EQ(after.outcome().response, asks_anew.outcome().response);
  });
  EXPECT_EQ(api.request_count(), 2u);
}

// ---- what is not shared

TEST(Coalescing, AsksForEachWhatMustNotBeShared) {
  for (const char* field :
       {"Cache-Control: no-store", "Cache-Control: private", "Set-Cookie: a=b", "Vary: *"}) {
    SCOPED_TRACE(field);
    Latch open;
    std::atomic<ScriptedApi*> whole{nullptr};
    ScriptedApi api([&](ScriptedApi::Connection& connection) {
      for (std::string text; !(text = connection.read_request()).empty();) {
        open.wait();
        // The followers are only answered once all of them have asked: one after another would hang.
        if (connection.number > 0) whole.load()->wait_for_requests(5);
        connection.send(reply("1", "200 OK", std::string(field) + "\r\n"));
        connection.finish();
        return;
      }
    });
    whole = &api;
    Loop loop;
    Session session(loop);
    Cache cache(1 << 20);
    Upstream upstream(session, to(api, &cache));
    run_test(loop, [&]() -> Task<> {
      Callers callers;
      add(callers, loop, upstream, 5, with(patient()));
      co_await until(loop, [&] { return api.request_count() == 1; });
      open.set();
      co_await all(callers);
      for (std::size_t i = 0; i < callers.size(); ++i) {
        EXPECT_EQ(callers[i]->told(), "200 miss");
        for (std::size_t k = 0; k < i; ++k)
          EXPECT_NE(callers[i]->outcome().response, callers[k]->outcome().response);
      }
    });
    EXPECT_EQ(api.request_count(), 5u);
    EXPECT_EQ(cache.entries(), 0u);
    EXPECT_EQ(upstream.stats().coalesced, 0u);
  }
}

// The second time they do not wait for a first answer that will not be for them.
TEST(Coalescing, AsksForEachAtOnceWhatLatelyWasNotShared) {
  std::atomic<ScriptedApi*> whole{nullptr};
  ScriptedApi api([&](ScriptedApi::Connection& connection) {
    for (std::string text; !(text = connection.read_request()).empty();) {
      if (connection.number > 0) whole.load()->wait_for_requests(4);
      connection.send(reply("1", "200 OK", "Cache-Control: private\r\n"));
      connection.finish();
      return;
    }
  });
  whole = &api;
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    co_await upstream.call(request(), with(patient()));
    Callers callers;
    add(callers, loop, upstream, 3, with(patient()));
    co_await all(callers);
    for (auto& caller : callers) EXPECT_EQ(caller->told(), "200 miss");
  });
  EXPECT_EQ(api.request_count(), 4u);
}

TEST(Coalescing, GivesWhatIsNotSharedToTheFirstWhoStayed) {
  Latch open;
  ScriptedApi api(held(open, reply("1", "200 OK", "Cache-Control: private\r\n")));
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    Callers callers;
    add(callers, loop, upstream, 3, with(patient()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    callers.erase(callers.begin());
    open.set();
    co_await all(callers);
    EXPECT_TRUE(callers[0]->outcome().response->ok());
    EXPECT_TRUE(callers[1]->outcome().response->ok());
  });
  EXPECT_EQ(api.request_count(), 2u);
}

TEST(Coalescing, SharesWhatSaysOnlyHowTheApiIs) {
  const std::string field = "Cache-Control: no-store, private\r\n";
  for (const std::string& answer : {reply("1", "503 Sorry", field), reply("1", "429 Slow", field)}) {
    Latch open;
    ScriptedApi api(held(open, answer));
    Loop loop;
    Session session(loop);
    Upstream upstream(session, to(api));
    run_test(loop, [&]() -> Task<> {
      Callers callers;
      add(callers, loop, upstream, 3, with(patient()));
      co_await until(loop, [&] { return api.request_count() == 1; });
      open.set();
      co_await all(callers);
      EXPECT_EQ(callers[2]->outcome().source, Source::coalesced);
    });
    EXPECT_EQ(api.request_count(), 1u);
  }
}

TEST(Coalescing, SharesAFailure) {
  Latch open;
  ScriptedApi api([&](ScriptedApi::Connection& connection) {
    connection.read_request();
    open.wait();
    connection.reset();
  });
  Loop loop;
  Session session(loop);
  Upstream upstream(session, to(api));
  run_test(loop, [&]() -> Task<> {
    Callers callers;
    add(callers, loop, upstream, 3, with(patient()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    open.set();
    co_await all(callers);
    for (auto& caller : callers) EXPECT_EQ(caller->told(), "reset sent");
  });
  EXPECT_EQ(api.request_count(), 1u);
  EXPECT_EQ(upstream.stats().failed, 3u);
}

TEST(Coalescing, ChargesABodyOnceForManyAndGivesItBack) {
  Latch open;
  ScriptedApi api(held(open, reply("[1234567]")));
  Loop loop;
  Session session(loop);
  Purse purse;
  UpstreamOptions options = to(api);
  options.bodies = &purse;
  Upstream upstream(session, options);
  run_test(loop, [&]() -> Task<> {
    Callers callers;
    add(callers, loop, upstream, 4, with(patient()));
    co_await until(loop, [&] { return api.request_count() == 1; });
    open.set();
    co_await all(callers);
    co_await Yield(loop);
    EXPECT_EQ(purse.used, 9u);
    callers.resize(1);
    EXPECT_EQ(purse.used, 9u);
    callers.clear();
    EXPECT_EQ(purse.used, 0u);
  });
  EXPECT_EQ(purse.most, 9u);
}

}  // namespace
}  // namespace linegate
