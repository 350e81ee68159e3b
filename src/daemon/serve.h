// The server's life: listen, say so, serve until SIGTERM or SIGINT, finish what came in time, end.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "loop/loop.h"

namespace linegate::daemon {

// Told when all listeners are up, with their addresses.
using OnReady = std::function<void(const std::vector<std::string>& addresses)>;

// Returns the exit code: 0 after a drain, 1 if it cannot serve (the reason has been logged). A second signal
// ends the process at once. May end it by _exit() when a hanging name lookup cannot be waited for.
int serve(Loop& loop, std::shared_ptr<const Config> config, const OnReady& on_ready = {});

}  // namespace linegate::daemon
