// See router.h.
#include "daemon/router.h"

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "base/suggest.h"
#include "daemon/router_text.h"
#include "daemon/schema.h"
#include "json/quote.h"

namespace linegate::daemon {
namespace {

using wire::Call;
using wire::Dialect;
using wire::Error;
using wire::Symbol;

constexpr std::string_view kReserved[] = {"auth", "watch", "unwatch"};
constexpr std::string_view kWords[] = {"ping", "hello", "help", "routes", "explain", "stats", "quit"};
constexpr std::string_view kMethods[] = {"rpc.ping",    "rpc.hello", "rpc.routes",
                                         "rpc.explain", "rpc.stats", "rpc.discover"};

constexpr std::size_t kReflected = 64;  // bytes of a client's input that an error may repeat

// The built-in that the other dialect calls so: "rpc.ping" for "ping" and the other way round.
std::vector<std::string> other_dialects_name(std::string_view method, Dialect dialect) {
  std::string other = dialect == Dialect::jsonrpc  ? "rpc." + std::string(method)
                      : method.starts_with("rpc.") ? std::string(method.substr(4))
                                                   : "";
  auto is_it = [&](std::string_view name) { return name == other; };
  bool known = dialect == Dialect::jsonrpc ? std::any_of(std::begin(kMethods), std::end(kMethods), is_it)
                                           : std::any_of(std::begin(kWords), std::end(kWords), is_it);
  return known ? std::vector{other} : std::vector<std::string>{};
}

// A built-in of this dialect, which `explain` may have been asked for.
bool is_own_word(std::string_view method, Dialect dialect) {
  return dialect == Dialect::text
             ? std::find(std::begin(kWords), std::end(kWords), method) != std::end(kWords)
             : std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

}  // namespace

bool is_reserved_word(std::string_view word) {
  return std::find(std::begin(kReserved), std::end(kReserved), word) != std::end(kReserved);
}

bool is_builtin_word(std::string_view word) {
  return is_reserved_word(word) || std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

Router::Router(std::shared_ptr<const Config> config) : config_(std::move(config)) {
  for (const RouteConfig& route : config_->routes)
    routes_.emplace_back(route, config_->upstreams[route.upstream]);
  for (const Route& route : routes_) by_name_.emplace(route.name(), &route);
  collect_names();
  help_json_ = help_text(routes_);
  routes_json_ = routes_text(routes_);
  discover_json_ = openrpc_text(routes_);
}

void Router::collect_names() {
  for (const Route& route : routes_) text_names_.push_back(route.name());
  jsonrpc_names_ = text_names_;
  text_names_.insert(text_names_.end(), std::begin(kWords), std::end(kWords));
  jsonrpc_names_.insert(jsonrpc_names_.end(), std::begin(kMethods), std::end(kMethods));
}

const Route* Router::find(std::string_view name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::variant<BoundCall, Error> Router::bind(const Call& call) const {
  BoundCall bound;
  bound.route = find(call.method);
  if (!bound.route) return unknown_method(call.method, call.to.dialect);
  const RouteConfig& route = bound.route->config();
  auto error = bind_arguments(route.name, route.params, call.arguments, call.to.dialect, bound.values);
  if (error) return *std::move(error);
  return bound;
}

std::variant<OutboundRequest, Error> Router::request(const Call& call) const {
  auto bound = bind(call);
  if (auto* error = std::get_if<Error>(&bound)) return std::move(*error);
  const BoundCall& ready = std::get<BoundCall>(bound);
  return ready.route->render(ready.values);
}

Error Router::unknown_method(std::string_view method, Dialect dialect) const {
  if (dialect == Dialect::text && is_reserved_word(method)) return {Symbol::unknown_method, "reserved", ""};
  if (is_own_word(method, dialect)) {
    return {Symbol::unknown_method, '"' + std::string(method) + "\" is built in, not a route", ""};
  }
  std::vector<std::string> near = other_dialects_name(method, dialect);
  if (near.empty()) near = suggest(method, dialect == Dialect::text ? text_names_ : jsonrpc_names_);
  std::string shown(cut_utf8(method, kReflected));
  Error error{Symbol::unknown_method, '"' + shown + "\" is not a route", ""};
  if (near.empty()) return error;
  error.message += "; did you mean " + one_of(near) + '?';
  json::Array list;
  for (const std::string& name : near) list.text(name);
  error.raw("did_you_mean", list.take());
  return error;
}

std::variant<std::string, Error> Router::help(const Call& call) const {
  if (call.arguments.empty()) return help_json_;
  if (call.arguments.size() == 1 && call.arguments[0].name.empty()) return help_of(call.arguments[0].value);
  return Error{Symbol::invalid_params, "help takes one route at most; usage: help [route]", ""};
}

std::variant<std::string, Error> Router::help_of(const std::string& name) const {
  if (const Route* route = find(name)) return route_help_text(*route);
  if (is_builtin_word(name) && !is_reserved_word(name)) {
    return json::Array().text(name + " is built in; help lists what there is").take();
  }
  return unknown_method(name, Dialect::text);
}

}  // namespace linegate::daemon
