// From a rendered request to an Answer: sends it through its upstream and says in the protocol's terms what
// came back.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/compiler.h"
#include "coro/task.h"
#include "daemon/answer.h"
#include "daemon/route.h"
#include "http/body_budget.h"
#include "net/client.h"
#include "wire/message.h"

namespace linegate::daemon {

struct Context;

// What a client set for its call.
struct CallLimits {
  Time received{};  // when its line was read: the client's timeout counts from there
  std::optional<Duration> timeout;
  bool want_meta = false;

  static CallLimits from(const wire::Call& call, Time now) { return {now, call.timeout, call.to.want_meta}; }
};

// `client` and `bodies` are who is charged; they, the context and the request must outlive the task.
Task<Answer> dispatch(Context& context, Client& client, BodyBudget& bodies, const OutboundRequest& request,
                      CallLimits limits);

// The answer to a call whose own timeout ran out before it was dispatched.
Answer expired(const OutboundRequest& request, Duration timeout, const SecretSet& secrets);

}  // namespace linegate::daemon
