// The built-in words: ping, hello, help, routes, explain, stats, and their rpc. twins. Answered in their
// place, without waiting. `quit` is the connection's.
#pragma once

#include "daemon/answer.h"
#include "daemon/context.h"
#include "net/address.h"
#include "wire/message.h"

namespace linegate::daemon {

// Whether the call's method is a built-in of its dialect.
bool is_builtin(const wire::Call& call);

Answer answer_builtin(const Context& context, const Router& router, const Peer& peer, const wire::Call& call);

}  // namespace linegate::daemon
