// Upstream: one REST API behind the shared Session, with everything that stands between it and its callers:
//
//   cache -> coalesce -> attempt [ breaker -> waiting room -> transfer ] -> store -> fan out
//
// pipeline.cc and attempt.cc read in that order; each policy has a file of its own. Retries and hedges are
// further attempts through the same doors. Destroyed before its Session and its Cache, after its callers;
// cancels what still runs then.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/keyed_hash.h"
#include "base/link.h"
#include "coro/event.h"
#include "coro/task.h"
#include "coro/task_group.h"
#include "http/origin.h"
#include "http/session.h"
#include "upstream/attempt.h"
#include "upstream/breaker.h"
#include "upstream/cache.h"
#include "upstream/flight.h"
#include "upstream/gate.h"
#include "upstream/gate_timer.h"
#include "upstream/latency.h"
#include "upstream/outcome.h"
#include "upstream/pace.h"
#include "upstream/place.h"
#include "upstream/policy.h"
#include "upstream/retry.h"
#include "upstream/unshared.h"

namespace linegate {

struct UpstreamOptions {
  std::string name;      // for messages
  std::string base_url;  // "https://api.example:8443/v1": only scheme, host and port are used here
  GateOptions gate;      // max_in_flight, max_queue
  PaceOptions pace;      // its max_in_flight is replaced by the gate's
  BreakerOptions breaker = {};
  double retry_ratio = 0.2;                     // retries allowed: of the requests,
  double retry_min_per_second = 3;              // and on top
  std::size_t max_body = std::size_t{2} << 20;  // decoded bytes
  Redirects redirects;
  OriginOptions origin;          // http2, gzip, proxy, max_idle, dns_refresh, tls
  Cache* cache = nullptr;        // none: nothing is stored
  BodyBudget* bodies = nullptr;  // charged for bodies; must outlive the responses

  // Told how a request ended whose callers had gone after it was sent and that was not to be cancelled.
  std::function<void(const Outcome&)> on_orphan;
};

struct UpstreamStats {
  std::uint64_t calls = 0;
  std::uint64_t attempts = 0;
  std::uint64_t replays = 0;  // on a dead kept connection
  std::uint64_t retries = 0;
  std::uint64_t hedges = 0;
  std::uint64_t hits = 0;          // answers from the cache, fresh
  std::uint64_t stale = 0;         // and stale
  std::uint64_t revalidated = 0;   // refreshed by a 304
  std::uint64_t coalesced = 0;     // answered by another caller's request
  std::uint64_t refused = 0;       // the queue was full
  std::uint64_t rate_limited = 0;  // refused by rate, gate or quota
  std::uint64_t timeouts = 0;      // any clock
  std::uint64_t failed = 0;        // any error, timeouts and refusals included
  std::uint64_t orphans = 0;       // ran to their end without a caller
};

class Upstream final : Flight::Owner {
 public:
  // Throws std::invalid_argument for a base_url that is no http or https URL.
  Upstream(Session& session, UpstreamOptions options);
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  // Answers from the cache, or asks the API, alone or together with others who ask the same. Destroying the
  // task leaves the others their answer, and what must not be stopped its way to the end: see Effect.
  Task<Outcome> call(Request request, CallOptions options);

  // What call() would answer without waiting, if it can: the cached answer, fresh or while it is being
  // refreshed. Counted like a call. Nullopt: call().
  std::optional<Outcome> answer_from_cache(const Request& request, const CallOptions& options);

  // The same in two steps, for a caller that keeps keys: the fresh answer, if there is one.
  RequestKey key_of(const Request& request, const CallOptions& options) const;
  std::optional<Outcome> fresh_answer(const RequestKey& key);

  // co_await upstream.settled(): until no request runs any more that must run to its end and whose callers
  // have gone.
  auto settled() { return settled_.wait(); }

  const std::string& name() const { return options_.name; }
  std::size_t in_flight() const { return gate_.in_flight(); }
  std::size_t queued() const { return gate_.waiting(); }
  const UpstreamStats& stats() const { return stats_; }

  // What would happen to this request now, as members of explain: "cache", "breaker", "gate" and "queue",
  // each with its state and the wait it would cost.
  struct Prospect {
    std::string cache;
    std::string breaker;
    std::string gate;
    std::string queue;
  };
  Prospect prospect(const Request& request, const CallOptions& options) const;
  // Counters and states, for stats.
  std::string stats_json() const;

 private:
  struct Race;

  std::string cache_json(const Request& request, const CallOptions& options) const;
  std::string queue_json(std::uint64_t client) const;

  // Whether others may find a flight by its key.
  enum class Table { enter, stay_out };

  // pipeline.cc
  std::optional<Outcome> begin(Request& request, const CallOptions& options, const Clocks& own,
                               Flight*& flight);
  Task<Outcome> ask_alone(Request& request, const CallOptions& options, const Clocks& own);
  std::optional<Outcome> look_up(const RequestKey& key, const Request& request, const CallOptions& options,
                                 StoredPtr& found);
  void refresh(const RequestKey& key, const Request& request, const CallOptions& options, StoredPtr old);
  Flight* find_to_join(const RequestKey& key, const Request& request, const CallOptions& options) const;
  Flight& start(Request request, const CallOptions& options, RequestKey key, StoredPtr old, Table table);
  void enter_table(Flight& flight);
  void leave_table(Flight& flight);
  void overtake(Flight& flight);
  void admit(Flight& flight, const Clocks& own) const;
  Task<> fly(std::unique_ptr<Flight> owned);
  static void keep(Flight& flight, Attempt& tried);
  void settle(Flight& flight);
  void renew(Flight& flight);
  void store(Flight& flight);
  void invalidate(const Flight& flight);
  void land(Flight& flight);
  void on_deserted(Flight& flight) override;
  void on_gone(Flight& flight) override;
  void count(const Outcome& outcome);

  // attempt.cc
  Task<> attempt(Flight& flight, Attempt& tried);
  void try_to_enter(const Flight& flight, Attempt& tried, Gate::Permit& permit);
  void leave_waiting_room(Place::Verdict verdict, const Flight& flight, Attempt& tried, Gate::Permit& permit);
  Task<> exchange(Flight& flight, Attempt& tried, Gate::Permit& permit);
  void judge(const Response& response, Breaker::Pass& pass, Pace::Turn& turn);
  void heed(const Response& response, Time at);
  void close(Time at, Duration wait);
  std::optional<Duration> pause_before_retry(const Flight& flight, unsigned tries);
  Breaker& breaker(const CallOptions& options) { return options.breaker ? *options.breaker : breaker_; }

  // hedge.cc
  std::optional<Duration> hedge_delay(const Flight& flight);
  RetryBudget& hedge_budget(const HedgeOptions& hedge);
  Task<> race(Flight& flight, Attempt& winner, Duration delay);
  Task<bool> is_slow(Race& race, Duration delay);
  Task<> run_in_race(Flight& flight, Race& race, std::size_t which);

  Time now() const { return session_.loop().now(); }

  Session& session_;
  UpstreamOptions options_;
  std::uint64_t id_;
  std::unique_ptr<Origin> origin_;
  Breaker breaker_;
  Pace pace_;
  GateTimer gate_timer_;
  Gate gate_;
  RetryBudget retry_budget_;
  std::map<double, RetryBudget> hedge_budgets_;  // by their ratio
  Latency latency_;
  bool measures_latency_ = false;  // once somebody hedges
  UpstreamStats stats_;
  RequestKey scratch_key_;
  Unshared unshared_;
  std::unordered_set<Flight*, FlightHash, FlightEqual> table_;  // those that can be joined, by their keys
  List<Flight> reads_;       // those without effect that nothing has overtaken
  std::minstd_rand chance_;  // for the jitter of retries
  std::size_t orphans_ = 0;  // running
  Event settled_;
  TaskGroup flights_;
};

}  // namespace linegate
