// The program: reads its command line, does what it says.
#include <string>
#include <vector>

#include "daemon/cli.h"
#include "daemon/commands.h"

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  return linegate::daemon::run(linegate::daemon::parse_command_line(arguments));
}
