#include "daemon/dispatch.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "daemon/context.h"
#include "daemon/outcome.h"

namespace linegate::daemon {
namespace {

// The path and query of a URL: what the upstream's origin does not say.
std::string_view target_of(std::string_view url) {
  return url.substr(url.find('/', url.find("://") + 3));
}

Request to_request(const Context& context, const OutboundRequest& outbound) {
  Request request;
  request.method = outbound.method;
  request.target = target_of(outbound.url.bytes);
  request.fixed = &context.fixed_headers(*outbound.route);
  for (const Header& header : outbound.headers) request.headers.emplace_back(header.name, header.value.bytes);
  request.body = outbound.body.bytes;
  return request;
}

CallOptions to_options(Client& client, BodyBudget& bodies, const Route& route, const CallLimits& limits) {
  const TimeoutConfig& timeout = route.config().policy.timeout;
  CallOptions options;
  options.client = reinterpret_cast<std::uintptr_t>(&client);
  options.timeouts = {timeout.queue, timeout.connect, timeout.first_byte, timeout.total};
  if (limits.timeout) {
    options.client_timeout =
        std::max(Duration::zero(), limits.received + *limits.timeout - client.loop().now());
  }
  options.idempotent = route.idempotent();
  options.budget = &bodies;
  return options;
}

// Counts a call while it runs, however it ends.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t& count_;
};

}  // namespace

Task<Answer> dispatch(Context& context, Client& client, BodyBudget& bodies, const OutboundRequest& request,
                      CallLimits limits) {
  Counted counted(context.in_flight);
  const Route& route = *request.route;
  auto outcome = co_await context.upstream(route).call(to_request(context, request),
                                                       to_options(client, bodies, route, limits));
  auto& error = outcome.response.error;
  bool by_client = error && error->kind == ErrorKind::timeout && error->limit == Limit::client;
  if (by_client) error->limit_value = *limits.timeout;  // what it asked for, not what was left of it
  co_return to_answer(outcome, route, context.config->secrets, limits.want_meta);
}

Answer expired(const OutboundRequest& request, Duration timeout, const SecretSet& secrets) {
  HttpError error;
  error.kind = ErrorKind::timeout;
  error.phase = Phase::queue;
  error.limit = Limit::client;
  error.limit_value = timeout;
  Outcome outcome;
  outcome.response = Response::failed(std::move(error));
  return to_answer(outcome, *request.route, secrets, false);
}

}  // namespace linegate::daemon
