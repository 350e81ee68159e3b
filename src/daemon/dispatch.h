// From a rendered request to an Answer: sends it through its upstream and says in the protocol's terms what
// came back.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/compiler.h"
#include "coro/task.h"
#include "daemon/answer.h"
#include "daemon/route.h"
#include "net/client.h"
#include "upstream/upstream.h"
#include "wire/message.h"

namespace linegate::daemon {

struct Context;

// What a client set for its call.
struct CallLimits {
  Time received{};  // when its line was read: the client's timeout counts from there
  std::optional<Duration> timeout;
  bool want_meta = false;
  bool fresh = false;  // no stored answer

  static CallLimits from(const wire::Call& call, Time now) {
    return {now, call.timeout, call.to.want_meta, call.fresh};
  }
};

// What is not allowed is answered so, before anything else.
std::optional<Answer> refuse(const OutboundRequest& request, const CallLimits& limits);

// What needs no waiting: an answer from the cache. Nullopt: dispatch().
std::optional<Answer> answer_at_once(Context& context, const OutboundRequest& request,
                                     const CallLimits& limits);

// The answer to a line that is known from before, if the cache still has it.
std::optional<Answer> answer_from_memo(Context& context, std::string_view line);
// `line` is what `request` was made of; its answer was in the cache.
void note_in_memo(Context& context, std::string_view line, const OutboundRequest& request);

// Through its upstream. Not a coroutine itself: thousands of these wait, and each frame counts.
Task<Outcome> dispatch(Context& context, const Client& client, const OutboundRequest& request,
                       const CallLimits& limits);
// What came of that, for the client.
Answer answer_of(const Context& context, const Outcome& outcome, const OutboundRequest& request,
                 const CallLimits& limits);

// What explain tells of this call.
Upstream::Prospect prospect(const Context& context, const OutboundRequest& request);

// The answer to a call whose own timeout ran out before it was dispatched.
Answer expired(const OutboundRequest& request, Duration timeout, const SecretSet& secrets);

}  // namespace linegate::daemon
