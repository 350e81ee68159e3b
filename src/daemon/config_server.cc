// Reads [server], [log], [admin], [client.*] and [cache].
#include <algorithm>

#include "base/printable.h"
#include "daemon/config_read.h"

namespace linegate::daemon {
namespace {

std::string in_quotes(std::string_view text) {
  return '"' + printable(text, 200) + '"';
}

std::optional<ListenAddress> read_address(Diagnostics& out, const Node& node) {
  auto address = node.is_string() ? parse_listen(node.text) : std::nullopt;
  if (!address) {
    std::string what = node.is_string() ? in_quotes(node.text) : "this";
    out.error(
        node.at,
        what + " is no listen address; write \"host:port\", \"[::1]:port\", \":port\" or \"unix:/path\"");
  }
  return address;
}

void read_listen(Diagnostics& out, const Node& node, ServerConfig& server) {
  if (!expect_array(out, "listen", node)) return;
  if (node.elements.empty()) return out.error(node.at, "listen must have at least one address");
  server.listen.clear();
  for (const Node& element : node.elements) {
    if (auto address = read_address(out, element)) server.listen.push_back(*std::move(address));
  }
}

void read_allow_from(Diagnostics& out, const Node& node, ServerConfig& server) {
  auto texts = read_texts(out, "allow_from", node);
  if (!texts) return;
  for (std::size_t i = 0; i < texts->size(); ++i) {
    if (auto range = Network::parse((*texts)[i])) {
      server.allow_from.push_back(*range);
    } else {
      out.error(
          node.elements[i].at,
          in_quotes((*texts)[i]) + " is no address range; write it like \"10.0.0.0/8\" or \"fd00::/8\"");
    }
  }
}

void read_unix_mode(Diagnostics& out, const Node& node, ServerConfig& server) {
  const std::string& text = node.text;
  bool octal = node.is_string() && (text.size() == 3 || text.size() == 4) &&
               std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; }) &&
               (text.size() == 3 || text[0] == '0');
  if (!octal) return out.error(node.at, "unix_mode must be an octal mode in quotes, such as \"0660\"");
  server.unix_mode = static_cast<unsigned>(std::stoul(text, nullptr, 8));
}

void read_server_tls(Diagnostics& out, const Node& node, ServerConfig& server) {
  static const Keys<ServerTlsConfig> keys{
      text_key("cert", &ServerTlsConfig::cert),
      text_key("key", &ServerTlsConfig::key),
      text_key("client_ca", &ServerTlsConfig::client_ca),
  };
  ServerTlsConfig& tls = server.tls.emplace();
  read_table(out, "[server.tls]", node, keys, tls);
  if (tls.cert.empty() || tls.key.empty()) out.error(node.at, "[server.tls] needs cert and key");
}

const Keys<ServerConfig>& server_keys() {
  using S = ServerConfig;
  static const Keys<S> keys{
      {"listen", read_listen},
      {"allow_from", read_allow_from},
      flag_key("allow_unauthenticated", &S::allow_unauthenticated),
      flag_key("expose", &S::expose),
      count_key("workers", &S::workers, 0, 256),
      count_key("backlog", &S::backlog, 1, 65'535),
      {"unix_mode", read_unix_mode},
      count_key("max_connections", &S::max_connections, 1, kMany),
      count_key("max_connections_per_ip", &S::max_connections_per_ip, 1, kMany),
      count_key("max_in_flight", &S::max_in_flight, 1, 65'535),
      size_key("max_line", &S::max_line, 64, 1024 * kMiB),
      size_key("max_reply", &S::max_reply, 1 * kKiB, 1024 * kMiB),
      count_key("max_batch", &S::max_batch, 1, 1'000'000),
      size_key("max_unsent", &S::max_unsent, 1 * kKiB, 1024 * kMiB),
      size_key("max_buffered", &S::max_buffered, 64 * kKiB, kManyBytes),
      count_key("max_protocol_errors", &S::max_protocol_errors, 1, kMany),
      duration_key("idle_timeout", &S::idle_timeout, 1ms, kLongTime),
      duration_key("partial_line_timeout", &S::partial_line_timeout, 1ms, kLongTime),
      duration_key("write_timeout", &S::write_timeout, 1ms, kLongTime),
      duration_key("drain_timeout", &S::drain_timeout, 0s, kLongTime),
      flag_key("watch_config", &S::watch_config),
      {"tls", read_server_tls},
  };
  return keys;
}

void read_token(Reading& reading, const Node& table, ClientConfig& client) {
  const Node* node = table.find("token");
  if (!node) return reading.out.error(table.at, "[client." + client.name + "] needs a token");
  auto text = read_text(reading.out, "token", *node);
  if (!text) return;
  auto token = Template::compile(*text, Place::header, {}, reading.secrets);
  if (!token.error.empty()) return reading.out.error(node->at, token.error);
  for (const Template::Piece& piece : token.value.pieces()) client.token += piece.bytes;
  if (client.token.empty()) return reading.out.error(node->at, "token must not be empty");
  reading.secrets.push_back(client.token);
}

}  // namespace

void read_server(Reading& reading, const Node& table) {
  read_table(reading.out, "[server]", table, server_keys(), reading.config.server);
}

void read_log(Reading& reading, const Node& table) {
  static const Keys<LogConfig> keys{
      choice_key("level", &LogConfig::level, {"trace", "debug", "info", "warn", "error"}),
      choice_key("format", &LogConfig::format, {"text", "json"}),
      choice_key("access", &LogConfig::access, {"off", "errors", "all"}),
  };
  read_table(reading.out, "[log]", table, keys, reading.config.log);
}

void read_admin(Reading& reading, const Node& table) {
  static const Keys<AdminConfig> keys{
      {"listen",
       [](Diagnostics& out, const Node& node, AdminConfig& admin) {
         if (auto address = read_address(out, node)) admin.listen = *std::move(address);
       }},
  };
  read_table(reading.out, "[admin]", table, keys, reading.config.admin.emplace());
  if (table.is_table() && !table.find("listen")) reading.out.error(table.at, "[admin] needs listen");
}

void read_client(Reading& reading, const Node::Member& member) {
  static const Keys<ClientConfig> keys{
      later<ClientConfig>("token"),
      texts_key("routes", &ClientConfig::routes),
      {"rate",
       [](Diagnostics& out, const Node& node, ClientConfig& client) { read_rate(out, node, client.rate); }},
  };
  if (!is_entry_name(member.key))
    reading.out.error(member.at, in_quotes(member.key) + " is no name for a client");
  ClientConfig& client = reading.config.clients.emplace_back();
  client.name = member.key;
  read_table(reading.out, "[client." + member.key + ']', member.value, keys, client);
  if (member.value.is_table()) read_token(reading, member.value, client);
}

void read_cache(Reading& reading, const Node& table) {
  static const Keys<Config> keys{size_key("max_bytes", &Config::cache_max_bytes, 0, kManyBytes)};
  read_table(reading.out, "[cache]", table, keys, reading.config);
}

void check_listen(Reading& reading, const Node& root) {
  const ServerConfig& server = reading.config.server;
  bool authenticated = !reading.config.clients.empty() && in_effect("client.*");
  if (!server.allow_from.empty() || server.allow_unauthenticated || authenticated) return;
  const Node* table = root.find("server");
  const Node* listen = table ? table->find("listen") : nullptr;
  if (!listen || !listen->is_array()) return;
  for (const Node& element : listen->elements) {
    auto address = parse_listen(element.text);
    if (!address || address->is_local()) continue;
    std::string why =
        "listen " + in_quotes(element.text) +
        " can be reached from other machines, and anybody there could use the routes: " +
        (element.at.line == 0 ? "say --allow-unauthenticated if that is meant"  // from the command line
                              : "set allow_from, or allow_unauthenticated = true");
    if (!reading.config.clients.empty()) why += "; [client] is not in effect yet and protects nothing";
    reading.out.error(element.at, why);
  }
}

void check_client_routes(Reading& reading, const Node& clients) {
  std::vector<std::string> known{"*"};
  for (const RouteConfig& route : reading.config.routes) known.push_back(route.name);
  for (const Node::Member& client : clients.members) {
    const Node* routes = client.value.find("routes");
    if (!routes) continue;
    for (const Node& name : routes->elements) {
      if (!name.is_string() || std::find(known.begin(), known.end(), name.text) != known.end()) continue;
      reading.out.error(name.at, "unknown route " + in_quotes(name.text) + did_you_mean(name.text, known));
    }
  }
}

}  // namespace linegate::daemon
