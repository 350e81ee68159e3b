// What a call asks of its upstream: a route's policies, and one call's own wishes. Plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "http/request.h"
#include "upstream/breaker.h"
#include "upstream/freshness.h"
#include "upstream/retry.h"

namespace linegate {

struct UpstreamTimeouts {
  Duration queue = 250ms;    // waiting for a place or a rate token; adds up over attempts
  Duration connect = 1s;     // name, TCP, TLS; anew in each attempt
  Duration first_byte = 2s;  // anew in each attempt
  Duration total = 3s;       // over everything
};

// A second attempt where the first is slow: the first answer wins. Only for what has no effect.
struct HedgeOptions {
  bool p95 = true;  // after the 95th percentile of what the upstream took lately, else after `after`
  Duration after = 0s;
  double budget = 0.05;  // of the upstream's requests
};

// What answering a request twice, or sending it twice, would do.
enum class Effect {
  none,        // RFC 9110 section 9.2.1, safe: may be cached, shared, sent again, cancelled half-way
  idempotent,  // section 9.2.2: may be sent again, and cancelled half-way
  keyed,       // carries an idempotency key: may be sent again, but is not cancelled once it was sent
  once,        // is sent at most once, and then runs to its end, even if nobody waits for it any more
};
Effect effect_of(const Request& request);  // by its method

// A route's policies; its calls share them.
struct CallPolicy {
  UpstreamTimeouts timeouts = {};
  RetryOptions retry = {};
  CachePolicy cache = {};
  bool coalesce = true;
  std::optional<HedgeOptions> hedge = {};
  bool json = true;  // only JSON is worth storing
};

struct CallOptions {
  std::uint64_t client = 0;                       // places are given round-robin over these
  std::shared_ptr<const CallPolicy> policy = {};  // null: the defaults above
  Duration client_timeout = Duration::max();      // the client's own, over everything
  std::optional<Effect> effect = {};              // nullopt: by the request's method
  std::optional<Duration> fresh = {};             // no stored answer unless it is younger than this
  Breaker* breaker = nullptr;                     // instead of the upstream's; must outlive it
};
Effect effect_of(const Request& request, const CallOptions& options);  // what they say, else by its method

}  // namespace linegate
