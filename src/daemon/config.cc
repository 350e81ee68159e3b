// See config.h. The order in which the tables are read, and what concerns more than one of them.
#include "daemon/config.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/printable.h"
#include "daemon/config_read.h"
#include "daemon/config_toml.h"

namespace linegate::daemon {
namespace {

const Keys<Reading>& root_keys() {
  using R = Reading;
  static const Keys<R> keys{
      {"schema", [](Diagnostics& out, const Node& node, R&) { read_count(out, "schema", node, 1, 1); }},
      {"server", [](Diagnostics&, const Node& node, R& reading) { read_server(reading, node); }},
      {"log", [](Diagnostics&, const Node& node, R& reading) { read_log(reading, node); }},
      {"admin", [](Diagnostics&, const Node& node, R& reading) { read_admin(reading, node); }},
      {"cache", [](Diagnostics&, const Node& node, R& reading) { read_cache(reading, node); }},
      {"defaults",
       [](Diagnostics& out, const Node& node, R& reading) {
         read_table(out, "[defaults]", node, policy_keys(), reading.config.defaults);
       }},
      later<R>("client"),
      later<R>("upstream"),
      later<R>("route"),
  };
  return keys;
}

void read_each(Reading& reading, const Node& root, const char* name,
               void (*read)(Reading&, const Node::Member&)) {
  const Node* table = root.find(name);
  if (!table || !expect_table(reading.out, name, *table)) return;
  for (const Node::Member& member : table->members) read(reading, member);
}

bool is_name(std::string_view name, std::string_view first, std::string_view rest) {
  return !name.empty() && name.size() <= 64 && first.find(name[0]) != std::string_view::npos &&
         name.find_first_not_of(rest) == std::string_view::npos;
}

void warn_short_secrets(Reading& reading) {
  auto is_short = [](const std::string& secret) { return secret.size() < SecretSet::kShortest; };
  if (std::none_of(reading.secrets.begin(), reading.secrets.end(), is_short)) return;
  reading.out.warning({}, "a secret is shorter than 4 bytes: it cannot be masked in what an API echoes");
}

LoadedConfig failed(Diagnostics& out, const std::string& message) {
  out.error({}, message);
  return {nullptr, out.take()};
}

}  // namespace

bool is_route_name(std::string_view name) {
  return is_name(name, "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz0123456789_.-");
}

bool is_parameter_name(std::string_view name) {
  return is_name(name, "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz0123456789_");
}

bool is_entry_name(std::string_view name) {
  return is_name(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
}

// Routes lie over upstreams, and those over defaults, wherever they stand in the file.
void read_config(Reading& reading, const Node& root) {
  read_table(reading.out, "the file", root, root_keys(), reading);
  read_each(reading, root, "client", read_client);
  read_each(reading, root, "upstream", read_upstream);
  read_each(reading, root, "route", read_route);
  if (const Node* clients = root.find("client")) check_client_routes(reading, *clients);
  check_listen(reading, root);
  warn_short_secrets(reading);
  warn_not_in_effect(reading.out, root);
  if (!reading.out.failed()) warn_doubtful(reading, root);
  ServerConfig& server = reading.config.server;
  if (server.listen.empty()) server.listen.push_back(*parse_listen("127.0.0.1:15555"));
}

LoadedConfig finish(std::shared_ptr<Config> config, Diagnostics& out, const SecretValues& secrets) {
  for (const std::string& secret : secrets) config->secrets.add(secret);
  if (out.failed()) config.reset();
  return {std::move(config), out.take()};
}

LoadedConfig parse_config(std::string_view text, const std::string& filename, const LoadOptions& options) {
  Diagnostics out(filename);
  auto root = parse_toml(text, out);
  if (!root) return {nullptr, out.take()};
  auto config = std::make_shared<Config>();
  Reading reading{out, options, *config, {}};
  read_config(reading, *root);
  return finish(std::move(config), out, reading.secrets);
}

LoadedConfig load_config(const std::string& path, const LoadOptions& options) {
  Diagnostics out(path);
  std::ifstream file(path, std::ios::binary);
  if (!file) return failed(out, std::string("cannot be read: ") + std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad() || text.str().empty()) return failed(out, "is empty or cannot be read");
  return parse_config(text.str(), path, options);
}

}  // namespace linegate::daemon
