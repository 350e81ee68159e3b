// From the config to the policies of the library: what an upstream and a route's calls are made with. Pure.
#pragma once

#include "daemon/config.h"
#include "upstream/policy.h"
#include "upstream/upstream.h"

namespace linegate::daemon {

// Without what only the program has: cache, budget for bodies, log.
UpstreamOptions upstream_options(const UpstreamConfig& config);

CallPolicy call_policy(const RouteConfig& config);

// `idempotent = true` makes any route count as safe, false makes any one that is sent at most once; without
// either the method decides. An idempotency key permits repeating what else must not be.
Effect effect_of(const RouteConfig& config);

}  // namespace linegate::daemon
