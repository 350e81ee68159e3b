#include "daemon/builtins.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "daemon/explain.h"
#include "json/quote.h"

namespace linegate::daemon {
namespace {

using wire::Symbol;

std::string hello(const ServerConfig& server) {
  json::Object limits;
  limits.number("line", static_cast<long long>(server.max_line))
      .number("reply", static_cast<long long>(server.max_reply))
      .number("batch", static_cast<long long>(server.max_batch))
      .number("in_flight", static_cast<long long>(server.max_in_flight));
  json::Object hello;
  hello.text("server", "linegate")
      .text("version", LINEGATE_VERSION)
      .number("protocol", 1)
      .raw("limits", limits.take());
  return hello.take();
}

std::string cache_stats(const Cache& cache) {
  json::Object object;
  object.number("entries", static_cast<long long>(cache.entries()))
      .number("bytes", static_cast<long long>(cache.bytes()))
      .number("max_bytes", static_cast<long long>(cache.max_bytes()))
      .number("stored", static_cast<long long>(cache.stats().stored))
      .number("evicted", static_cast<long long>(cache.stats().evicted))
      .number("invalidated", static_cast<long long>(cache.stats().invalidated));
  return object.take();
}

std::string stats(const Context& context) {
  json::Object upstreams;
  for (const auto& upstream : context.upstreams) upstreams.raw(upstream->name(), upstream->stats_json());
  auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(context.loop.now() - context.started).count();
  json::Object stats;
  stats.number("uptime_s", uptime)
      .number("connections", static_cast<long long>(context.server->connections()))
      .number("in_flight", static_cast<long long>(context.in_flight))
      .number("buffered", static_cast<long long>(context.server->budget().used()))
      .raw("cache", cache_stats(context.cache))
      .raw("upstreams", upstreams.take());
  return stats.take();
}

Answer from(std::variant<std::string, wire::Error> result) {
  if (auto* error = std::get_if<wire::Error>(&result)) return Answer::of(std::move(*error));
  return Answer::of(std::move(std::get<std::string>(result)));
}

// The word without its dialect: "rpc.ping" is ping.
std::string_view word_of(const wire::Call& call) {
  std::string_view method = call.method;
  return call.to.dialect == wire::Dialect::jsonrpc ? method.substr(4) : method;
}

// explain and stats tell what is behind the gateway: only those on this machine may ask, unless `expose` is
// set.
bool may_look_behind(const Context& context, const Peer& peer) {
  return context.config->server.expose || peer.is_loopback();
}

wire::Error forbidden(std::string_view word) {
  std::string message(word);
  return {Symbol::forbidden,
          message + " answers peers on the same host only; server.expose = true allows others",
          {}};
}

wire::Error takes_nothing(std::string_view word) {
  return {Symbol::invalid_params, std::string(word) + " takes no parameters", {}};
}

}  // namespace

bool is_builtin(const wire::Call& call) {
  // A quit without arguments does not come here: it ends the conversation.
  static constexpr std::array<std::string_view, 7> kText = {"ping",    "hello", "help", "routes",
                                                            "explain", "stats", "quit"};
  static constexpr std::array<std::string_view, 6> kRpc = {"rpc.ping",    "rpc.hello", "rpc.routes",
                                                           "rpc.explain", "rpc.stats", "rpc.discover"};
  auto is_one_of = [&](const auto& words) {
    return std::find(words.begin(), words.end(), call.method) != words.end();
  };
  return call.to.dialect == wire::Dialect::text ? is_one_of(kText) : is_one_of(kRpc);
}

Answer answer_builtin(const Context& context, const Router& router, const Peer& peer,
                      const wire::Call& call) {
  std::string_view word = word_of(call);
  if (word == "help") return from(router.help(call));
  if ((word == "explain" || word == "stats") && !may_look_behind(context, peer))
    return Answer::of(forbidden(word));
  if (word == "explain") {
    return from(
        explain(router, call, [&](const OutboundRequest& request) { return prospect(context, request); }));
  }
  if (!call.arguments.empty()) return Answer::of(takes_nothing(word));
  if (word == "ping") return Answer::of("\"pong\"");
  if (word == "hello") return Answer::of(hello(context.config->server));
  if (word == "routes") return Answer::of(router.routes_json());
  if (word == "discover") return Answer::of(router.discover_json());
  return Answer::of(stats(context));
}

}  // namespace linegate::daemon
