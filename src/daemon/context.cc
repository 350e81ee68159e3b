#include "daemon/context.h"

#include <utility>

#include "base/printable.h"
#include "base/units.h"
#include "daemon/log.h"

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

OriginOptions origin_options(const UpstreamConfig& config) {
  OriginOptions options;
  options.http2 = config.http == HttpVersion::http2;
  options.gzip = config.gzip;
  options.proxy = config.proxy;
  options.max_idle = config.max_idle;
  options.dns_refresh = config.dns_refresh;
  options.tls = {config.tls.ca_file, config.tls.client_cert, config.tls.client_key, config.tls.verify};
  return options;
}

void log_orphan(const std::string& upstream, const Outcome& outcome) {
  const Response& response = outcome.response;
  std::string end =
      response.error ? std::string(name(response.error->kind)) : std::to_string(response.status);
  log_warning("a request to " + upstream + " that must not be repeated outlived its client: it ended with " +
              end);
}

UpstreamOptions upstream_options(const UpstreamConfig& config) {
  UpstreamOptions options;
  options.name = config.name;
  options.base_url = config.base_url.prefix;
  options.gate = {config.max_in_flight, config.max_queue};
  options.max_body = config.max_body;
  options.redirects = {static_cast<unsigned>(config.redirects.max), config.redirects.same_host};
  options.origin = origin_options(config);
  options.on_orphan = [upstream = config.name](const Outcome& outcome) { log_orphan(upstream, outcome); };
  return options;
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
      started(loop.now()),
      refusals(loop) {
  jsonrpc_limits.max_batch = config->server.max_batch;
  for (const UpstreamConfig& upstream : config->upstreams) {
    upstreams.push_back(std::make_unique<Upstream>(session, upstream_options(upstream)));
  }
  for (const Route& route : router->routes()) headers.emplace_back(fixed_fields(route));
}

const HeaderList& Context::fixed_headers(const Route& route) const {
  return headers[static_cast<std::size_t>(&route.config() - config->routes.data())];
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
