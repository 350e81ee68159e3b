// `linegate call`: a short-lived client. It blocks, with one deadline over everything; it shares nothing with
// the server but the protocol.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"

namespace linegate::daemon {

// What it exits with.
enum CallExit { kCallOk = 0, kCallError = 1, kCallUsage = 2, kCallNoConnection = 3, kCallNoAnswer = 4 };

struct CallOptions {
  std::string to = "127.0.0.1:15555";  // "host:port", "[::1]:port", ":port" (this machine), "unix:/path"
  Duration timeout = 10s;
  std::vector<std::string> words;
};

// Sends the words as one line and prints the line that answers to stdout; what goes wrong is one sentence on
// stderr.
int call(const CallOptions& options);

}  // namespace linegate::daemon
