// The command line as a value. Only cli.cc knows CLI11; commands.h does what was asked for.
#pragma once

#include <string>
#include <vector>

#include "daemon/call.h"
#include "daemon/config.h"
#include "daemon/demo.h"

namespace linegate::daemon {

struct CommandLine {
  enum class Command { none, serve, check, call, demo };

  Command command = Command::none;
  // Without a command: what to print (to stdout if exit_code is 0, else to stderr) and to exit with.
  std::string text;
  int exit_code = 0;

  std::string file;   // serve: empty = from flags; check; call: empty = call.to
  ConfigFlags flags;  // serve
  CallOptions call;
  DemoOptions demo;
};

// `arguments` are those behind the program's name. Prints nothing.
CommandLine parse_command_line(const std::vector<std::string>& arguments);

}  // namespace linegate::daemon
