#include "daemon/demo.h"

#include <algorithm>
#include <cstdio>
#include <exception>

#include "daemon/commands.h"
#include "daemon/config.h"
#include "daemon/demo_api.h"
#include "daemon/log.h"
#include "daemon/serve.h"
#include "json/quote.h"
#include "loop/loop.h"
#include "net/address.h"

namespace linegate::daemon {
namespace {

constexpr std::string_view kDefaultListen = "127.0.0.1:15555";

// @NAME@ is filled in by demo_config().
constexpr std::string_view kConfig =
    R"toml(# linegate's demo. Save it, put your API's base_url and paths in, then:
#   linegate check FILE        # validates it, prints the routes
#   linegate serve -c FILE
schema = 1

[server]
listen = @LISTEN@
allow_unauthenticated = @OPEN@       # true: a listen off loopback serves anybody who can reach it

[log]
level = "info"
access = "errors"

[upstream.demo]
base_url = "@URL@"      # the API behind the gateway; it may have a path
timeout = { first_byte = "2s", total = "3s" }
max_body = "2MiB"

[route.weather]
help = "Current weather for a city"
upstream = "demo"
method = "GET"
path = "/weather/{city}"
query = { units = "{units}" }
params = [
  { name = "city", required = true, max_length = 64 },
  { name = "units", enum = ["metric", "imperial"], default = "metric" },
]
cache = { mode = "override", ttl = "60s" }      # asked once a minute for each city, whoever asks

[route.slow]
help = "Answers after so many milliseconds; first_byte above allows 2000"
upstream = "demo"
method = "GET"
path = "/slow"
query = { ms = "{ms}" }
params = [{ name = "ms", type = "int", min = 0, max = 60000, default = 1500 }]

[route.failing]
help = "Always 500: after five in a row it is left alone for a while"
upstream = "demo"
method = "GET"
path = "/failing"
breaker = { open_for = "5s" }   # its own, so that the other routes go on

[route.flaky]
help = "Every second request is a 503, and so sent again"
upstream = "demo"
method = "GET"
path = "/flaky"

[route.large]
help = "A JSON array of about so many KiB; max_body above allows 2048"
upstream = "demo"
method = "GET"
path = "/large"
query = { kib = "{kib}" }
params = [{ name = "kib", type = "int", min = 1, max = 8192, default = 64 }]

[route.paged]
help = "One page of five; @meta shows the Link header"
upstream = "demo"
method = "GET"
path = "/paged"
query = { page = "{page}" }
params = [{ name = "page", type = "int", min = 1, max = 5, default = 1 }]
reply_headers = ["Link"]

[route.order]
help = "Orders something: a POST, never sent twice"
upstream = "demo"
method = "POST"
path = "/orders"
json = { item = "{item}", quantity = "{quantity}" }
params = [
  { name = "item", required = true },
  { name = "quantity", type = "int", min = 1, max = 100, default = 1 },
]
)toml";

void fill(std::string& text, std::string_view name, std::string_view value) {
  text.replace(text.find(name), name.size(), value);
}

bool is_open(std::string_view address) {
  auto endpoint = parse_endpoint(address);
  return endpoint && !endpoint->is_loopback();
}

std::vector<std::string> or_default(std::vector<std::string> listen) {
  if (listen.empty()) listen.emplace_back(kDefaultListen);
  return listen;
}

// The demo's routes, with everything else as the user's file has it.
std::shared_ptr<const Config> with_routes_of(const Config& demo, const Config& file) {
  auto joined = std::make_shared<Config>(file);
  joined->upstreams = demo.upstreams;
  joined->routes = demo.routes;
  return joined;
}

void print_hints(const std::vector<std::string>& addresses) {
  std::fputs(demo_hints(addresses.front()).c_str(), stdout);
  std::fflush(stdout);
}

// `file` is null without one.
int serve_demo(const DemoOptions& options, const std::shared_ptr<const Config>& file) {
  Loop loop;
  DemoApi api(loop);
  auto config = load_or_complain(parse_config(demo_config(api.url(), options.listen), "demo"));
  if (!config) return kUsageError;
  if (file) config = with_routes_of(*config, *file);
  init_log(config->log);
  return serve(loop, config, print_hints);
}

// All interfaces are reached through the loopback.
std::string reachable(std::string_view address) {
  auto endpoint = parse_endpoint(address);
  bool any = endpoint && !endpoint->is_unix() &&
             (endpoint->host.empty() || endpoint->host == "0.0.0.0" || endpoint->host == "::");
  return any ? "127.0.0.1:" + std::to_string(endpoint->port) : std::string(address);
}

// "linegate call --to ... " where the address is not the one that it calls by itself.
std::string call_command(std::string_view address) {
  return address == kDefaultListen ? "linegate call " : "linegate call --to " + std::string(address) + " ";
}

}  // namespace

std::string demo_config(std::string_view api_url, const std::vector<std::string>& listen) {
  json::Array addresses;  // TOML's basic strings take JSON's escapes
  bool open = false;
  for (const std::string& address : or_default(listen)) {
    addresses.text(address);
    open |= is_open(address);
  }
  std::string text(kConfig);
  fill(text, "@LISTEN@", addresses.take());
  fill(text, "@OPEN@", open ? "true" : "false");
  fill(text, "@URL@", api_url);
  return text;
}

std::string demo_hints(std::string_view listening) {
  std::string address = reachable(listening);
  std::string call = call_command(address);
  std::string hints = "Type in another terminal:\n";
  for (const char* words : {"weather oslo", "weather 'São Paulo' imperial @meta", "wether oslo", "slow 5000",
                            "failing", "paged 2 @meta", "order book 2", "help"}) {
    hints += "  " + call + words + "\n";
  }
  auto endpoint = parse_endpoint(address);
  if (!endpoint || endpoint->is_unix()) return hints;
  return hints + "or talk to it yourself, a request a line, \"quit\" to end:\n  nc " + endpoint->host + " " +
         std::to_string(endpoint->port) + "\n";
}

int demo(const DemoOptions& options) {
  if (options.print_config) {
    std::fputs(demo_config("http://127.0.0.1:8080", options.listen).c_str(), stdout);
    return 0;
  }
  try {
    if (options.config_file.empty()) return serve_demo(options, nullptr);
    auto file = load_or_complain(load_config(options.config_file, this_machine()));
    if (!file) return kFailed;
    return file->routes.empty() ? serve_demo(options, file) : serve_config(file);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "linegate: %s\n", error.what());
    return kFailed;
  }
}

}  // namespace linegate::daemon
