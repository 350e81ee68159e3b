#include "daemon/context.h"

#include <utility>

#include "base/printable.h"
#include "base/units.h"
#include "daemon/log.h"
#include "daemon/policy.h"

namespace linegate::daemon {
namespace {

SessionOptions session_options(const Config& config) {
  SessionOptions options;
  options.max_transfers = 0;  // the upstreams' gates bound them
  options.max_idle_connections = 0;
  for (const UpstreamConfig& upstream : config.upstreams)
    options.max_idle_connections += 2 * upstream.max_in_flight;
  return options;
}

void log_orphan(const std::string& upstream, const Outcome& outcome) {
  const Response& response = *outcome.response;
  std::string end =
      response.error ? std::string(name(response.error->kind)) : std::to_string(response.status);
  log_warning("a request to " + upstream + " that must not be repeated outlived its client: it ended with " +
              end);
}

Fields fixed_fields(const Route& route) {
  Fields fields;
  for (const Header& header : route.fixed_headers()) fields.emplace_back(header.name, header.value.bytes);
  // libcurl takes a compressed body that was cut off between two blocks for a complete one. JSON shows the
  // cut, text does not: it is asked for as it is.
  if (route.config().response == ResponseKind::text) fields.emplace_back("Accept-Encoding", "identity");
  return fields;
}

}  // namespace

Context::Context(Loop& event_loop, std::shared_ptr<const Config> settings)
    : loop(event_loop),
      config(std::move(settings)),
      router(std::make_shared<const Router>(config)),
      session(loop, session_options(*config)),
      cache(config->cache_max_bytes),
      bodies(*this),
      started(loop.now()),
      refusals(loop) {
  jsonrpc_limits.max_batch = config->server.max_batch;
  for (const UpstreamConfig& upstream : config->upstreams) {
    UpstreamOptions options = upstream_options(upstream);
    options.cache = &cache;
    options.bodies = &bodies;
    options.on_orphan = [name = upstream.name](const Outcome& outcome) { log_orphan(name, outcome); };
    upstreams.push_back(std::make_unique<Upstream>(session, std::move(options)));
  }
  for (const Route& route : router->routes()) terms.push_back(terms_of(route));
}

RouteTerms Context::terms_of(const Route& route) {
  RouteTerms made;
  made.fixed = &shared_headers(fixed_fields(route));
  made.options.policy = std::make_shared<const CallPolicy>(call_policy(route.config()));
  made.options.effect = effect_of(route.config());
  if (route.config().own_breaker) made.breaker = std::make_unique<Breaker>(route.config().policy.breaker);
  made.options.breaker = made.breaker.get();
  return made;
}

// Routes that send the same fields share a list, and with it stored answers.
const HeaderList& Context::shared_headers(const Fields& fields) {
  for (const HeaderList& list : headers) {
    if (list.fields() == fields) return list;
  }
  return headers.emplace_back(fields);
}

const RouteTerms& Context::terms_for(const Route& route) const {
  return terms[static_cast<std::size_t>(&route.config() - config->routes.data())];
}

bool Context::Bodies::grow(std::size_t bytes) {
  if (!context.server) return true;
  Budget& budget = context.server->budget();
  if (budget.full()) return false;
  budget.add(bytes);
  return true;
}

void Context::Bodies::shrink(std::size_t bytes) {
  if (context.server) context.server->budget().give_back(bytes);
}

void Context::log_call(const Peer& peer, const OutboundRequest& request, const CallLimits& limits,
                       const Answer& answer) const {
  auto spent = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - limits.received);
  std::string line =
      peer.text() + " " + request.route->name() + " " + printable(request.url.masked(), 256) + " ";
  line += answer.error ? std::string(wire::name(answer.error->symbol)) : "OK";
  line += " " + to_text(spent);
  if (answer.error) line += " " + printable(answer.error->message, 200);
  answer.error ? log_warning(line) : log_info(line);
}

}  // namespace linegate::daemon
