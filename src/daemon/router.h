// From a call to the request that it asks for, and everything that is said about the route table: help,
// routes, rpc.discover, explain. Immutable; holds its Config. Pointers to routes live as long as the Router.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "daemon/config.h"
#include "daemon/route.h"
#include "wire/error.h"
#include "wire/message.h"

namespace linegate::daemon {

// Built-in words of the text dialect (protocol.md section 2). No route may have such a name.
bool is_builtin_word(std::string_view word);   // ping hello help routes explain stats quit auth watch unwatch
bool is_reserved_word(std::string_view word);  // auth watch unwatch

struct BoundCall {
  const Route* route = nullptr;
  std::vector<Value> values;  // one per declared parameter
};

class Router {
 public:
  explicit Router(std::shared_ptr<const Config> config);

  const Config& config() const { return *config_; }
  const std::deque<Route>& routes() const { return routes_; }  // in file order

  // Null if there is none of that name.
  const Route* find(std::string_view name) const;

  // Errors: unknown_method (with did_you_mean; "reserved" for the reserved words in text), invalid_params
  // (with param, did_you_mean). Built-ins are not routes: the caller answers them before it asks here.
  std::variant<BoundCall, wire::Error> bind(const wire::Call& call) const;
  // bind and render in one.
  std::variant<OutboundRequest, wire::Error> request(const wire::Call& call) const;

  // The error for a method that is neither a route nor a built-in.
  wire::Error unknown_method(std::string_view method, wire::Dialect dialect) const;

  // One-line JSON, made once. `help` and `rpc.routes` / `rpc.discover` answer these as they are.
  const std::string& help_json() const { return help_json_; }          // array of strings
  const std::string& routes_json() const { return routes_json_; }      // array of objects
  const std::string& discover_json() const { return discover_json_; }  // OpenRPC 1.2.6 document

  // Answers `help` or `help ROUTE`: JSON, an array of strings.
  std::variant<std::string, wire::Error> help(const wire::Call& call) const;

 private:
  void collect_names();
  std::variant<std::string, wire::Error> help_of(const std::string& name) const;

  std::shared_ptr<const Config> config_;
  std::deque<Route> routes_;
  std::unordered_map<std::string_view, const Route*> by_name_;
  std::vector<std::string> text_names_;     // routes and built-ins, for suggestions
  std::vector<std::string> jsonrpc_names_;  // routes and rpc.*
  std::string help_json_;
  std::string routes_json_;
  std::string discover_json_;
};

}  // namespace linegate::daemon
