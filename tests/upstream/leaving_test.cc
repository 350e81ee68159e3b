// Callers and upstreams that are destroyed at every point of a call: nothing is left behind, nobody else is
// harmed. What remains is found by the sanitizer, and by ~Loop.
#include <gtest/gtest.h>

#include <functional>

#include "calls.h"

namespace linegate {
namespace {

constexpr int kTurns = 60;       // until what never ends is on its way
constexpr int kMostTurns = 300;  // by then most else has ended

// What a place in the waiting room, a shared flight, a retry, a hedge or a refresh needs to be reached.
struct Case {
  const char* name;
  std::string answer;
  CallPolicy policy;
  GateOptions gate = {};
  std::size_t distinct = 1;  // requests; each is asked by three
  bool ends = true;          // all of them are answered some time
  bool anew = true;          // each turn asks for something that was not asked before
  int most = kMostTurns;
};

CallPolicy retrying_at_once() {
  CallPolicy policy = retrying(5);
  policy.retry.backoff_base = 0s;
  return policy;
}

CallPolicy hedging() {
  CallPolicy policy = patient();
  policy.hedge = HedgeOptions{.p95 = false, .after = 0s, .budget = 1};
  return policy;
}

CallPolicy hedging_and_retrying() {
  CallPolicy policy = retrying_at_once();
  policy.hedge = HedgeOptions{.p95 = false, .after = 0s, .budget = 1};
  return policy;
}

CallPolicy pausing() {
  CallPolicy policy = retrying(5);
  policy.retry.backoff_base = policy.retry.backoff_max = 1h;
  return policy;
}

const std::vector<Case>& cases() {
  static const std::string stale = "Cache-Control: max-age=0, stale-while-revalidate=60\r\n";
  static const std::vector<Case> all = {
      {"answered", reply("1"), patient()},
      {"hanging", "", patient(), {}, 1, false},
      {"queued", reply("1"), patient(), {.max_in_flight = 1, .max_queue = 9}, 3},
      {"stored", reply("1"), storing()},
      {"retried", reply("1", "503 Busy"), retrying_at_once()},
      {"in backoff", reply("1", "503 Busy"), pausing(), {}, 1, false},
      {"hedged", "", hedging(), {}, 1, false},
      {"hedged in a queue", reply("1"), hedging(), {.max_in_flight = 1, .max_queue = 9}, 2},
      {"hedged and retried", reply("1", "503 Busy"), hedging_and_retrying()},
      {"refreshed", reply("1", "200 OK", stale), patient(), {}, 1, false, false},
      {"not shared", reply("1", "200 OK", "Cache-Control: private\r\n"), patient()},
      {"gated", reply("1", "429 Slow", "Retry-After: 9\r\n"), retrying(5), {}, 2, true, true, kTurns},
  };
  return all;
}

UpstreamOptions options_for(const Case& what, const ScriptedApi& api, Cache& cache) {
  UpstreamOptions options = to(api, &cache);
  options.gate = what.gate;
  options.breaker.enabled = false;
  options.retry_min_per_second = 1000;
  options.pace.gate_max = 1ms;
  return options;
}

Task<> pass(Loop& loop, int turns) {
  for (int i = 0; i < turns; ++i) co_await Yield(loop);
}

// Callers of one turn, who have waited for as many turns.
struct Round {
  Round(const Case& what, Loop& loop, Upstream& upstream, int turns) {
    const std::string path = what.anew ? "/" + std::to_string(turns) + "/" : "/";
    for (std::size_t i = 0; i < what.distinct; ++i)
      add(callers, loop, upstream, 3, with(what.policy), request(path + std::to_string(i)));
  }
  bool over() const {
    return std::all_of(callers.begin(), callers.end(), [](auto& caller) { return caller->answered(); });
  }
  Callers callers;
};

// From the first turn to the last.
struct Turns {
  explicit Turns(const Case& of) : what(of) {}
  bool more() const { return turns < (what.ends ? what.most : kTurns) && !(what.ends && over); }
  const Case& what;
  int turns = 0;
  bool over = false;  // the callers of the last turn had their answers
};

TEST(Leaving, LeavesNothingBehindAtAnyPoint) {
  for (const Case& what : cases()) {
    SCOPED_TRACE(what.name);
    ScriptedApi api(in_turn({what.answer}));
    Loop loop;
    Session session(loop);
    Cache cache(1 << 20);
    Purse purse;
    UpstreamOptions options = options_for(what, api, cache);
    options.bodies = &purse;
    Upstream upstream(session, options);
    run_test(loop, [&]() -> Task<> {
      for (Turns turn(what); turn.more(); ++turn.turns) {
        Round round(what, loop, upstream, turn.turns);
        co_await pass(loop, turn.turns);
        turn.over = round.over();
        round.callers.clear();
        co_await Yield(loop);
        // What fills the cache goes on to its end.
        co_await until(loop, [&] { return upstream.in_flight() + upstream.queued() == 0; });
      }
      EXPECT_EQ(session.active(), 0u);
      co_await io_turn(loop);
    });
    EXPECT_EQ(purse.used, 0u);
  }
}

TEST(Leaving, DoesNotHarmThoseWhoStayAtAnyPoint) {
  for (const Case& what : cases()) {
    if (!what.ends) continue;
    SCOPED_TRACE(what.name);
    ScriptedApi api(in_turn({what.answer}));
    Loop loop;
    Session session(loop);
    Cache cache(1 << 20);
    Upstream upstream(session, options_for(what, api, cache));
    run_test(loop, [&]() -> Task<> {
      for (Turns turn(what); turn.more(); ++turn.turns) {
        Round round(what, loop, upstream, turn.turns);
        co_await pass(loop, turn.turns);
        turn.over = round.over();
        round.callers.erase(round.callers.begin());  // the leader
        co_await all(round.callers);
        for (auto& caller : round.callers)
          EXPECT_TRUE(caller->answered() && !caller->outcome().response->error);
      }
    });
  }
}

TEST(Leaving, LetsAnUpstreamGoAtAnyPoint) {
  for (const Case& what : cases()) {
    SCOPED_TRACE(what.name);
    ScriptedApi api(in_turn({what.answer}));
    Loop loop;
    Session session(loop);
    Cache cache(1 << 20);
    run_test(loop, [&]() -> Task<> {
      for (Turns turn(what); turn.more(); ++turn.turns) {
        Upstream upstream(session, options_for(what, api, cache));
        Round round(what, loop, upstream, turn.turns);
        co_await pass(loop, turn.turns);
        turn.over = round.over();
        // The callers first, the upstream at once after them: its flights are still to be destroyed.
        round.callers.clear();
      }
    });
    EXPECT_EQ(session.active(), 0u);
  }
}

TEST(Leaving, TakesWhatRunsWithoutCallersWithTheUpstream) {
  ScriptedApi api(ScriptedApi::answering([first = true](const std::string& text) mutable {
    if (has(text, "/stale") && std::exchange(first, false))
      return reply("1", "200 OK", "Cache-Control: max-age=0, stale-while-revalidate=60\r\n");
    return std::string();
  }));
  Loop loop;
  Session session(loop);
  Cache cache(1 << 20);
  auto upstream = std::make_unique<Upstream>(session, to(api, &cache));
  run_test(loop, [&]() -> Task<> {
    co_await upstream->call(request("/stale"), with(patient()));
    auto outcome = co_await upstream->call(request("/stale"), with(patient()));
    EXPECT_EQ(told(outcome), "200 stale");
    {
      Caller filling(loop, *upstream, request("/fill"), with(storing()));
      Caller order(loop, *upstream, request("/orders", "POST"), with(patient()));
      co_await until(loop, [&] { return api.request_count() == 4; });
    }
    co_await Yield(loop);
    EXPECT_EQ(upstream->in_flight(), 3u);
    EXPECT_EQ(upstream->stats().orphans, 1u);
  });
  upstream.reset();
  EXPECT_EQ(session.active(), 0u);
  EXPECT_EQ(cache.entries(), 1u);
}

}  // namespace
}  // namespace linegate
