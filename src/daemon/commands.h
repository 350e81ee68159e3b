// What each command does. The command line has been read already (cli.h).
#pragma once

#include <memory>
#include <string>

#include "daemon/cli.h"
#include "daemon/config.h"

namespace linegate::daemon {

inline constexpr int kFailed = 1;      // it was asked for properly and did not work
inline constexpr int kUsageError = 2;  // the command line is wrong

// Returns the exit code.
int run(const CommandLine& command_line);

// What loading a config has to know of the libraries found at run time.
LoadOptions this_machine();

// Prints the diagnostics to stderr; null if there was an error.
std::shared_ptr<const Config> load_or_complain(LoadedConfig loaded);

// Serves until a signal.
int serve_config(std::shared_ptr<const Config> config);

// A config's routes, one a line: what to type, and what is asked for then.
std::string route_table(const Config& config);

}  // namespace linegate::daemon
