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
#include "daemon/memo.h"
#include "daemon/refusal_log.h"
#include "daemon/router.h"
#include "http/session.h"
#include "loop/loop.h"
#include "net/server.h"
#include "upstream/cache.h"
#include "upstream/policy.h"
#include "upstream/upstream.h"
#include "wire/jsonrpc.h"

namespace linegate::daemon {

// What all calls of a route have in common.
struct RouteTerms {
  const HeaderList* fixed = nullptr;  // the header fields that are the same in every call
  CallOptions options;                // without what is a client's
  std::unique_ptr<Breaker> breaker;   // the route's own, if it has one
};

struct Context {
  // Throws std::invalid_argument or std::runtime_error where the config asks for what cannot be.
  Context(Loop& event_loop, std::shared_ptr<const Config> settings);

  const RouteTerms& terms_for(const Route& route) const;
  Upstream& upstream(const Route& route) { return *upstreams[route.upstream_index()]; }

  void log_call(const Peer& peer, const OutboundRequest& request, const CallLimits& limits,
                const Answer& answer) const;

  // Charges the bodies of responses to what all clients may hold together: several may wait for one.
  struct Bodies final : BodyBudget {
    explicit Bodies(Context& owner) : context(owner) {}
    bool grow(std::size_t bytes) override;
    void shrink(std::size_t bytes) override;
    Context& context;
  };

  Loop& loop;
  std::shared_ptr<const Config> config;
  std::shared_ptr<const Router> router;
  wire::JsonRpcLimits jsonrpc_limits;
  Session session;
  Cache cache;
  linegate::Request scratch;  // for looking up answers without allocating
  Memo memo;
  Bodies bodies;
  std::deque<HeaderList> headers;
  std::vector<RouteTerms> terms;                     // as in Config::routes
  std::vector<std::unique_ptr<Upstream>> upstreams;  // as in Config::upstreams
  Server* server = nullptr;                          // set before the first client comes
  Time started;
  std::size_t in_flight = 0;  // calls of all clients
  RefusalLog refusals;

 private:
  RouteTerms terms_of(const Route& route);
  const HeaderList& shared_headers(const Fields& fields);
};

}  // namespace linegate::daemon
