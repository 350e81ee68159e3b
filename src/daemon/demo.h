// `linegate demo`: the gateway with a built-in config in front of a built-in API, to try it without anything
// else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linegate::daemon {

struct DemoOptions {
  std::vector<std::string> listen;  // as in server.listen; empty = 127.0.0.1:15555
  std::string config_file;    // a file with routes is served instead; one without lends its other tables
  bool print_config = false;  // print the config and end
};

// Returns the exit code.
int demo(const DemoOptions& options);

// The demo's config, for users to start from: TOML with comments. Listening off loopback is what the user
// asked for then, so that it is allowed in it.
std::string demo_config(std::string_view api_url, const std::vector<std::string>& listen);

// What to type, given the address that the gateway listens on.
std::string demo_hints(std::string_view listening);

}  // namespace linegate::daemon
