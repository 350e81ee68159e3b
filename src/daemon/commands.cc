#include "daemon/commands.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "daemon/allocator.h"
#include "daemon/call.h"
#include "daemon/demo.h"
#include "daemon/log.h"
#include "daemon/serve.h"
#include "http/curl_version.h"
#include "loop/loop.h"

namespace linegate::daemon {
namespace {

int say(const CommandLine& command_line) {
  std::fputs(command_line.text.c_str(), command_line.exit_code == 0 ? stdout : stderr);
  return command_line.exit_code;
}

int serve_command(const CommandLine& command_line) {
  bool from_file = !command_line.file.empty();
  auto config = load_or_complain(from_file ? load_config(command_line.file, this_machine())
                                           : config_from_flags(command_line.flags, this_machine()));
  if (!config) return from_file ? kFailed : kUsageError;
  return serve_config(std::move(config));
}

std::string count(std::size_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

int check_command(const std::string& file) {
  auto config = load_or_complain(load_config(file, this_machine()));
  if (!config) return kFailed;
  std::string summary = file + " is valid: " + count(config->routes.size(), "route") + ", " +
                        count(config->upstreams.size(), "upstream") + ", listening on";
  for (const ListenAddress& address : config->server.listen) summary += " " + address.text;
  std::printf("%s%s\n", route_table(*config).c_str(), summary.c_str());
  return 0;
}

int call_command(const CommandLine& command_line) {
  if (command_line.file.empty()) return call(command_line.call);
  auto config = load_or_complain(load_config(command_line.file, this_machine()));
  if (!config) return kUsageError;
  CallOptions options = command_line.call;
  options.to = config->server.listen.front().text;
  return call(options);
}

// The path as the config has it, but percent-encoded.
std::string path_text(const RouteConfig& route) {
  std::string text;
  for (const Template::Piece& piece : route.path.pieces()) {
    bool hole = piece.kind == Template::Piece::Kind::parameter;
    text += hole ? "{" + route.params[piece.parameter].name + "}" : piece.bytes;
  }
  return text;
}

}  // namespace

int run(const CommandLine& command_line) {
  switch (command_line.command) {
    case CommandLine::Command::serve:
      return serve_command(command_line);
    case CommandLine::Command::check:
      return check_command(command_line.file);
    case CommandLine::Command::call:
      return call_command(command_line);
    case CommandLine::Command::demo:
      return demo(command_line.demo);
    case CommandLine::Command::none:
      break;
  }
  return say(command_line);
}

LoadOptions this_machine() {
  LoadOptions options;
  options.libcurl_version = curl_version_number();
  return options;
}

std::shared_ptr<const Config> load_or_complain(LoadedConfig loaded) {
  for (const Diagnostic& diagnostic : loaded.diagnostics)
    std::fprintf(stderr, "%s\n", diagnostic.text().c_str());
  return loaded.config;
}

int serve_config(std::shared_ptr<const Config> config) {
  keep_freed_memory();
  init_log(config->log);
  Loop loop;
  return serve(loop, std::move(config));
}

std::string route_table(const Config& config) {
  std::size_t width = 0;
  for (const RouteConfig& route : config.routes)
    width = std::max(width, usage(route.name, route.params).size());
  std::string table;
  for (const RouteConfig& route : config.routes) {
    std::string left = usage(route.name, route.params);
    left.resize(width, ' ');
    table += left + "  " + route.method + " " + config.upstreams[route.upstream].base_url.prefix +
             path_text(route) + "\n";
  }
  return table;
}

}  // namespace linegate::daemon
