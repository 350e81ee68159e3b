// Upstream: one REST API behind the shared Session, with its policies: a bounded and fair queue, four clocks,
// one replay on a dead connection, and care for requests that must not be repeated. Destroyed before its
// Session; cancels what still runs then.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/compiler.h"
#include "coro/task.h"
#include "coro/task_group.h"
#include "http/origin.h"
#include "http/request.h"
#include "http/response.h"
#include "http/session.h"
#include "upstream/gate.h"
#include "upstream/gate_timer.h"

namespace linegate {

struct UpstreamTimeouts {
  Duration queue = 250ms;    // waiting for a place; adds up over attempts
  Duration connect = 1s;     // name, TCP, TLS; anew in each attempt
  Duration first_byte = 2s;  // anew in each attempt
  Duration total = 3s;       // over everything
};

struct Outcome {
  Response response;      // its error, if any, tells kind, phase, limit; `sent` is over all attempts
  unsigned attempts = 0;  // requests handed to libcurl; 0 = none left the queue
  Duration queue{};       // spent waiting for a place, in all
  Duration upstream{};    // spent connecting, waiting and reading, in all
};

struct UpstreamOptions {
  std::string name;      // for messages
  std::string base_url;  // "https://api.example:8443/v1": only scheme, host and port are used here
  GateOptions gate;      // max_in_flight, max_queue
  std::size_t max_body = std::size_t{2} << 20;  // decoded bytes
  Redirects redirects;
  OriginOptions origin;  // http2, gzip, proxy, max_idle, dns_refresh, tls

  // Told how a request ended whose caller had gone after it was sent and that was not idempotent.
  std::function<void(const Outcome&)> on_orphan;
};

struct CallOptions {
  std::uint64_t client = 0;                   // places are given round-robin over these
  UpstreamTimeouts timeouts = {};             // the route's
  Duration client_timeout = Duration::max();  // the client's own, over everything
  // The request may be sent twice, and cancelled half-way, without harm: safe and idempotent methods, and
  // routes that say so. One that is not runs to its end once it was sent, even if the caller's task is
  // destroyed.
  bool idempotent = true;
  BodyBudget* budget = nullptr;  // charged for the body; must outlive the task and the response
};

struct UpstreamStats {
  std::uint64_t calls = 0;
  std::uint64_t attempts = 0;
  std::uint64_t replays = 0;   // on a dead kept connection
  std::uint64_t refused = 0;   // the queue was full
  std::uint64_t timeouts = 0;  // any clock
  std::uint64_t failed = 0;    // any error, timeouts and refusals included
  std::uint64_t orphans = 0;   // ran to their end without a caller
};

class Upstream {
 public:
  // Throws std::invalid_argument for a base_url that is no http or https URL.
  Upstream(Session& session, UpstreamOptions options);
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  // Waits for a place, sends, answers. Destroying the task cancels the call (but see
  // CallOptions::idempotent).
  Task<Outcome> call(Request request, CallOptions options);

  // co_await upstream.settled(): until no request runs any more whose caller has gone.
  auto settled() { return flights_.join(); }

  const std::string& name() const { return options_.name; }
  std::size_t in_flight() const { return gate_.in_flight(); }
  std::size_t queued() const { return gate_.waiting(); }
  const UpstreamStats& stats() const { return stats_; }

  // {"in_flight":3,"max_in_flight":64,"waiting":0,"max_queue":256}, for explain.
  std::string queue_json() const;
  // The same and the counters, for stats.
  std::string stats_json() const;

 private:
  struct Flight;
  class Landing;

  Task<Outcome> attempts(const Request& request, const CallOptions& options, bool* sent);
  Task<std::optional<HttpError>> enter(const CallOptions& options, const Clocks& clocks, Gate::Permit& place,
                                       Duration& waited);
  Task<> adopt(std::unique_ptr<Flight> flight);
  void count(const Outcome& outcome);

  Session& session_;
  UpstreamOptions options_;
  std::unique_ptr<Origin> origin_;
  Pace pace_;
  GateTimer gate_timer_;
  Gate gate_;
  UpstreamStats stats_;
  TaskGroup flights_;  // whose callers have gone
};

}  // namespace linegate
