#include "daemon/dispatch.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>

#include "base/uuid.h"
#include "daemon/context.h"
#include "daemon/outcome.h"

namespace linegate::daemon {
namespace {

// The path and query of a URL: what the upstream's origin does not say.
std::string_view target_of(std::string_view url) {
  return url.substr(url.find('/', url.find("://") + 3));
}

std::string new_uuid() {
  static std::random_device device;
  std::array<std::uint8_t, 16> bytes;
  for (std::size_t i = 0; i < bytes.size(); i += 4) {
    std::uint32_t word = device();
    std::memcpy(&bytes[i], &word, sizeof word);
  }
  return uuid_text(bytes);
}

// Over what was in `request`, whose memory is used again.
void fill(Request& request, const RouteTerms& terms, const OutboundRequest& outbound) {
  const RouteConfig& route = outbound.route->config();
  request.method = outbound.method;
  request.target = target_of(outbound.url.bytes);
  request.fixed = terms.fixed;
  request.headers.clear();
  for (const Header& header : outbound.headers) request.headers.emplace_back(header.name, header.value.bytes);
  if (!route.idempotency_key.empty()) request.headers.emplace_back(route.idempotency_key, new_uuid());
  request.body = outbound.body.bytes;
}

Request to_request(const RouteTerms& terms, const OutboundRequest& outbound) {
  Request request;
  fill(request, terms, outbound);
  return request;
}

CallOptions to_options(const Client& client, const RouteTerms& terms, const Route& route,
                       const CallLimits& limits, Time now) {
  CallOptions options = terms.options;
  options.client = reinterpret_cast<std::uintptr_t>(&client);
  if (limits.timeout) {
    options.client_timeout = std::max(Duration::zero(), limits.received + *limits.timeout - now);
  }
  if (limits.fresh) options.fresh = route.config().policy.cache.fresh_min_age;
  return options;
}

bool is_forbidden(const Route& route, const CallLimits& limits) {
  return limits.fresh && !route.config().policy.cache.fresh;
}

wire::Error fresh_forbidden(const Route& route) {
  wire::Error error{wire::Symbol::forbidden, "@fresh is not allowed for this route", {}};
  error.text("route", route.name());
  return error;
}

}  // namespace

std::optional<Answer> refuse(const OutboundRequest& request, const CallLimits& limits) {
  if (is_forbidden(*request.route, limits)) return Answer::of(fresh_forbidden(*request.route));
  return std::nullopt;
}

std::optional<Answer> answer_at_once(Context& context, const OutboundRequest& request,
                                     const CallLimits& limits) {
  const Route& route = *request.route;
  // @fresh takes the longer way: it seldom ends here.
  if (context.cache.entries() == 0 || limits.fresh) return std::nullopt;
  const RouteTerms& terms = context.terms_for(route);
  if (terms.options.effect != Effect::none) return std::nullopt;
  fill(context.scratch, terms, request);
  auto outcome = context.upstream(route).answer_from_cache(context.scratch, terms.options);
  if (!outcome) return std::nullopt;
  return to_answer(*outcome, route, context.config->secrets, limits.want_meta);
}

std::optional<Answer> answer_from_memo(Context& context, std::string_view line) {
  const Memo::Known* known = context.memo.find(line);
  if (!known) return std::nullopt;
  auto outcome = context.upstream(*known->route).fresh_answer(known->key);
  if (!outcome) return std::nullopt;
  return to_answer(*outcome, *known->route, context.config->secrets, false);
}

void note_in_memo(Context& context, std::string_view line, const OutboundRequest& request) {
  const RouteTerms& terms = context.terms_for(*request.route);
  RequestKey key = context.upstream(*request.route).key_of(to_request(terms, request), terms.options);
  context.memo.note(line, *request.route, std::move(key));
}

Task<Outcome> dispatch(Context& context, const Client& client, const OutboundRequest& request,
                       const CallLimits& limits) {
  const Route& route = *request.route;
  const RouteTerms& terms = context.terms_for(route);
  return context.upstream(route).call(to_request(terms, request),
                                      to_options(client, terms, route, limits, context.loop.now()));
}

Answer answer_of(const Context& context, const Outcome& outcome, const OutboundRequest& request,
                 const CallLimits& limits) {
  auto& error = outcome.response->error;
  // What it asked for, not what was left of it.
  bool by_client = error && error->kind == ErrorKind::timeout && error->limit == Limit::client;
  if (by_client) error->limit_value = *limits.timeout;
  return to_answer(outcome, *request.route, context.config->secrets, limits.want_meta);
}

Upstream::Prospect prospect(const Context& context, const OutboundRequest& request) {
  const RouteTerms& terms = context.terms_for(*request.route);
  const Upstream& upstream = *context.upstreams[request.route->upstream_index()];
  return upstream.prospect(to_request(terms, request), terms.options);
}

Answer expired(const OutboundRequest& request, Duration timeout, const SecretSet& secrets) {
  HttpError error;
  error.kind = ErrorKind::timeout;
  error.phase = Phase::queue;
  error.limit = Limit::client;
  error.limit_value = timeout;
  Outcome outcome;
  outcome.response = std::make_shared<Response>(Response::failed(std::move(error)));
  return to_answer(outcome, *request.route, secrets, false);
}

}  // namespace linegate::daemon
