// The built-in `explain ROUTE ...`: what would be sent, secrets masked, without sending. Who may ask is the
// caller's business, and so is the state of the queue.
#pragma once

#include <functional>
#include <string>
#include <variant>

#include "daemon/router.h"
#include "wire/error.h"
#include "wire/message.h"

namespace linegate::daemon {

// JSON text of the member "queue" for the route's upstream, e.g. {"in_flight":3,"waiting":0}.
using QueueState = std::function<std::string(const Route&)>;

// Text: the first argument by position is the route, the rest is bound to its parameters. JSON-RPC
// (rpc.explain):
// ["weather","oslo"] likewise, or {"route":"weather","params":{"city":"oslo"}} (params an object or an
// array). Answers {"route","method","url","headers","body","cache","breaker","queue"}; body is null, the
// JSON, or the form.
std::variant<std::string, wire::Error> explain(const Router& router, const wire::Call& call,
                                               const QueueState& queue);

}  // namespace linegate::daemon
