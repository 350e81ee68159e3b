// The built-in `explain ROUTE ...`: what would be sent, secrets masked, without sending. Who may ask is the
// caller's business, and so is what the upstream would do.
#pragma once

#include <functional>
#include <string>
#include <variant>

#include "daemon/router.h"
#include "upstream/upstream.h"
#include "wire/error.h"
#include "wire/message.h"

namespace linegate::daemon {

// What would happen to the request now; its members are JSON.
using Foresee = std::function<Upstream::Prospect(const OutboundRequest&)>;

// Text: the first argument by position is the route, the rest is bound to its parameters. JSON-RPC
// (rpc.explain):
// ["weather","oslo"] likewise, or {"route":"weather","params":{"city":"oslo"}} (params an object or an
// array). Answers {"route","method","url","headers","body","cache","breaker","gate","queue"}; body is null,
// the JSON, or the form.
std::variant<std::string, wire::Error> explain(const Router& router, const wire::Call& call,
                                               const Foresee& foresee);

}  // namespace linegate::daemon
