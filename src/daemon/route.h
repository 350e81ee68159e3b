// One route, ready to run: a RouteConfig joined with its upstream's address, query and headers, cut into
// pieces so that a call is one pass and one URL string. Immutable; owned by the Router, which keeps the
// Config alive.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/config.h"
#include "wire/error.h"

namespace linegate::daemon {

struct Header {
  std::string name;
  Rendered value;
};

class Route;

// The request as it will be sent. All headers: route->fixed_headers(), then `headers`.
struct OutboundRequest {
  const Route* route = nullptr;
  std::string_view method;  // the route's
  Rendered url;             // whole and final
  std::vector<Header>
      headers;    // only those that contain a parameter: with url and body they are the cache key
  Rendered body;  // empty = none; its Content-Type is among the fixed headers
};

class Route {
 public:
  Route(const RouteConfig& config, const UpstreamConfig& upstream);

  const std::string& name() const { return config_.name; }
  const RouteConfig& config() const { return config_; }
  const UpstreamConfig& upstream() const { return upstream_; }
  std::size_t upstream_index() const { return config_.upstream; }  // into Config::upstreams
  bool idempotent() const { return config_.idempotent; }           // safe methods included
  // `weather <city> [units]`
  const std::string& usage() const { return usage_; }

  // Headers that are the same in every call: the upstream's, then the route's over them, Content-Type and
  // Authorization included. Names are unique without regard to case.
  const std::vector<Header>& fixed_headers() const { return fixed_headers_; }

  // `values` are bound to this route's parameters. Refusals are invalid_params with `param`.
  std::variant<OutboundRequest, wire::Error> render(const std::vector<Value>& values) const;

 private:
  std::optional<wire::Error> render_url(const std::vector<Value>& values, Rendered& url) const;
  std::optional<wire::Error> render_headers(const std::vector<Value>& values,
                                            std::vector<Header>& headers) const;
  std::optional<wire::Error> render_body(const std::vector<Value>& values, Rendered& body) const;
  std::optional<wire::Error> render_fields(const std::vector<Field>& fields, const std::vector<Value>& values,
                                           char separator, Rendered& out) const;
  void collect_fixed_headers(const std::vector<Field>& fields);
  void add_default_header(const std::string& header, const Rendered& value);

  const RouteConfig& config_;
  const UpstreamConfig& upstream_;
  std::string usage_;
  std::vector<Header> fixed_headers_;
  std::vector<Field> headers_;  // those with parameters
  std::vector<Field> query_;    // the upstream's, then the route's over them
};

}  // namespace linegate::daemon
