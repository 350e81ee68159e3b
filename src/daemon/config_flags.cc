// A config from command line flags: they become the tree that a file would be, so that every rule of a file
// holds.
#include <algorithm>

#include "base/printable.h"
#include "daemon/config_read.h"

namespace linegate::daemon {
namespace {

constexpr const char* kUpstream = "default";

Node text_node(std::string_view text) {
  Node node;
  node.kind = Node::Kind::string;
  node.text = text;
  return node;
}

Node flag_node(bool value) {
  Node node;
  node.kind = Node::Kind::boolean;
  node.flag = value;
  return node;
}

Node array_node() {
  Node node;
  node.kind = Node::Kind::array;
  return node;
}

Node& add(Node& table, std::string_view key, Node value) {
  table.members.push_back({std::string(key), {}, std::move(value)});
  return table.members.back().value;
}

// The names in `{name}`, each once, in order; "{{" is a brace.
std::vector<std::string> placeholders(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') continue;
    bool escaped = i + 1 < text.size() && text[i + 1] == '{';
    std::size_t end = text.find('}', i);
    if (escaped || end == std::string_view::npos || (i > 0 && text[i - 1] == '$')) {
      i += escaped ? 1 : 0;
      continue;
    }
    std::string name(text.substr(i + 1, end - i - 1));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    i = end;
  }
  return names;
}

Node parameters_node(std::string_view path_and_query) {
  Node params = array_node();
  for (const std::string& name : placeholders(path_and_query)) {
    Node& parameter = params.elements.emplace_back();
    add(parameter, "name", text_node(name));
    add(parameter, "required", flag_node(true));
  }
  return params;
}

Node query_node(std::string_view query) {
  Node table;
  while (!query.empty()) {
    std::size_t end = std::min(query.find('&'), query.size());
    std::string_view field = query.substr(0, end);
    std::size_t equals = std::min(field.find('='), field.size());
    add(table, field.substr(0, equals), text_node(field.substr(std::min(equals + 1, field.size()))));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return table;
}

Node route_node(std::string_view path_and_query) {
  std::size_t mark = std::min(path_and_query.find('?'), path_and_query.size());
  Node route;
  add(route, "upstream", text_node(kUpstream));
  add(route, "path", text_node(path_and_query.substr(0, mark)));
  if (mark < path_and_query.size()) add(route, "query", query_node(path_and_query.substr(mark + 1)));
  add(route, "params", parameters_node(path_and_query));
  return route;
}

void add_routes(Diagnostics& out, Node& root, const std::vector<std::string>& flags) {
  Node& routes = add(root, "route", {});
  for (const std::string& flag : flags) {
    std::size_t equals = flag.find('=');
    std::string name = flag.substr(0, equals);
    if (equals == std::string::npos) {
      out.error(
          {}, "--route \"" + printable(flag, 200) + "\" must be NAME=PATH, such as weather=/current/{city}");
    } else if (routes.find(name)) {
      out.error({}, "--route \"" + printable(name) + "\" is given twice");
    } else {
      add(routes, name, route_node(std::string_view(flag).substr(equals + 1)));
    }
  }
}

Node server_node(const ConfigFlags& flags) {
  Node server;
  if (flags.allow_unauthenticated) add(server, "allow_unauthenticated", flag_node(true));
  if (flags.listen.empty()) return server;
  Node& listen = add(server, "listen", array_node());
  for (const std::string& address : flags.listen) listen.elements.push_back(text_node(address));
  return server;
}

Node upstreams_node(const std::string& base_url) {
  Node upstreams;
  Node& upstream = add(upstreams, kUpstream, {});
  add(upstream, "base_url", text_node(base_url));
  return upstreams;
}

}  // namespace

LoadedConfig config_from_flags(const ConfigFlags& flags, const LoadOptions& options) {
  Diagnostics out("command line");
  Node root;
  add(root, "server", server_node(flags));
  if (!flags.upstream.empty()) add(root, "upstream", upstreams_node(flags.upstream));
  if (flags.upstream.empty() && !flags.routes.empty()) out.error({}, "--route needs --upstream URL");
  if (!flags.upstream.empty()) add_routes(out, root, flags.routes);
  auto config = std::make_shared<Config>();
  Reading reading{out, options, *config, {}};
  read_config(reading, root);
  return finish(std::move(config), out, reading.secrets);
}

}  // namespace linegate::daemon
