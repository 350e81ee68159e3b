// See explain.h.
#include "daemon/explain.h"

#include <utility>

#include "json/quote.h"
#include "json/scan.h"

namespace linegate::daemon {
namespace {

using wire::Argument;
using wire::Call;
using wire::Dialect;
using wire::Error;
using wire::Symbol;

Error refuse(const std::string& sentence, const char* parameter) {
  Error error{Symbol::invalid_params, sentence, ""};
  error.text("param", parameter);
  return error;
}

// The call that is to be explained, or why there is none.
using Inner = std::variant<Call, Error>;

std::optional<Error> take_route(Call& inner, const std::string& value) {
  if (inner.to.dialect == Dialect::text) {
    inner.method = value;
    return std::nullopt;
  }
  auto name = json::kind(value) == json::Kind::string ? json::unescape(value) : std::nullopt;
  if (!name) return refuse("parameter \"route\" must be a string", "route");
  inner.method = *std::move(name);
  return std::nullopt;
}

// {"route":...,"params":{...} or [...]}: the arguments that such params stand for.
std::optional<Error> take_params(Call& inner, const std::string& value) {
  json::Kind kind = json::kind(value);
  if (kind == json::Kind::array) {
    for (json::Elements e(value); e.next();) inner.arguments.push_back({"", std::string(e.value())});
  } else if (kind == json::Kind::object) {
    for (json::Members m(value); m.next();) {
      auto name = json::unescape(m.key());
      if (!name) return refuse("a parameter's name has half a surrogate pair", "params");
      if (name->empty()) return refuse("a parameter's name is empty", "params");  // would mean "by position"
      inner.arguments.push_back({*std::move(name), std::string(m.value())});
    }
  } else if (kind != json::Kind::null) {
    return refuse("parameter \"params\" must be an object or an array", "params");
  }
  return std::nullopt;
}

// JSON-RPC with an object: exactly route and params.
Inner named_call(const Call& call) {
  Call inner;
  inner.to.dialect = call.to.dialect;
  bool has_route = false;
  bool has_params = false;
  for (const Argument& argument : call.arguments) {
    std::optional<Error> error;
    if (argument.name == "route" && !has_route) {
      has_route = true;
      error = take_route(inner, argument.value);
    } else if (argument.name == "params" && !has_params) {
      has_params = true;
      error = take_params(inner, argument.value);
    } else {
      error = refuse("rpc.explain takes \"route\" and \"params\", each once", "params");
    }
    if (error) return *std::move(error);
  }
  if (!has_route) return refuse("missing parameter \"route\"", "route");
  return inner;
}

// By position: the first argument without a name is the route, all others are its own.
Inner positional_call(const Call& call) {
  Call inner;
  inner.to.dialect = call.to.dialect;
  bool has_route = false;
  for (const Argument& argument : call.arguments) {
    if (has_route || !argument.name.empty()) {
      inner.arguments.push_back(argument);
      continue;
    }
    has_route = true;
    if (auto error = take_route(inner, argument.value)) return *std::move(error);
  }
  if (!has_route) return refuse("missing parameter \"route\"; usage: explain <route> ...", "route");
  return inner;
}

Inner inner_call(const Call& call) {
  bool named = !call.arguments.empty() && !call.arguments[0].name.empty();
  return named && call.to.dialect == Dialect::jsonrpc ? named_call(call) : positional_call(call);
}

std::string headers_json(const OutboundRequest& request) {
  json::Object headers;
  for (const Header& header : request.route->fixed_headers())
    headers.text(header.name, header.value.masked());
  for (const Header& header : request.headers) headers.text(header.name, header.value.masked());
  return headers.take();
}

// A JSON body stands here as it is: its secrets are within strings, so it is JSON with their masks too.
std::string body_json(const OutboundRequest& request) {
  if (request.body.bytes.empty()) return "null";
  std::string masked = request.body.masked();
  return request.route->config().json ? masked : json::quoted(masked);
}

}  // namespace

std::variant<std::string, Error> explain(const Router& router, const Call& call, const Foresee& foresee) {
  Inner inner = inner_call(call);
  if (auto* error = std::get_if<Error>(&inner)) return std::move(*error);
  auto rendered = router.request(std::get<Call>(inner));
  if (auto* error = std::get_if<Error>(&rendered)) return std::move(*error);
  const OutboundRequest& request = std::get<OutboundRequest>(rendered);
  json::Object out;
  out.text("route", request.route->name()).text("method", request.method).text("url", request.url.masked());
  out.raw("headers", headers_json(request)).raw("body", body_json(request));
  Upstream::Prospect prospect = foresee(request);
  out.raw("cache", prospect.cache).raw("breaker", prospect.breaker);
  out.raw("gate", prospect.gate).raw("queue", prospect.queue);
  return out.take();
}

}  // namespace linegate::daemon
