// What all clients share: the one HTTP session, the APIs behind it, the routes, and who keeps the books. On
// the heap, made by serve(), one hop from each client's uv_handle_t::data.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "daemon/answer.h"
#include "daemon/config.h"
#include "daemon/dispatch.h"
#include "daemon/refusal_log.h"
#include "daemon/router.h"
#include "http/session.h"
#include "loop/loop.h"
#include "net/server.h"
#include "upstream/upstream.h"
#include "wire/jsonrpc.h"

namespace linegate::daemon {

struct Context {
  // Throws std::invalid_argument or std::runtime_error where the config asks for what cannot be.
  Context(Loop& event_loop, std::shared_ptr<const Config> settings);

  // The prebuilt header fields of a route that are the same in every call.
  const HeaderList& fixed_headers(const Route& route) const;
  Upstream& upstream(const Route& route) { return *upstreams[route.upstream_index()]; }

  void log_call(const Peer& peer, const OutboundRequest& request, const CallLimits& limits,
                const Answer& answer) const;

  Loop& loop;
  std::shared_ptr<const Config> config;
  std::shared_ptr<const Router> router;
  wire::JsonRpcLimits jsonrpc_limits;
  Session session;
  std::vector<std::unique_ptr<Upstream>> upstreams;  // as in Config::upstreams
  std::deque<HeaderList> headers;                    // as in Config::routes
  Server* server = nullptr;                          // set before the first client comes
  Time started;
  std::size_t in_flight = 0;  // calls of all clients
  RefusalLog refusals;
};

}  // namespace linegate::daemon
