// File descriptors are budgeted at the start: running out of them while serving makes libuv drop connections
// silently.
#pragma once

#include <cstddef>

namespace linegate::daemon {

// For everything that is neither a client nor an upstream connection: listeners, epoll, logs, lookups.
inline constexpr std::size_t kReservedDescriptors = 64;

// Raises the soft limit of open files as far as needed and allowed, and returns how many clients may connect:
// `wanted`, or fewer where the hard limit is too low for them and `upstream` connections; 0 if not even one
// may.
std::size_t fit_connections(std::size_t wanted, std::size_t upstream);

// The same arithmetic for a given limit.
std::size_t connections_within(std::size_t limit, std::size_t wanted, std::size_t upstream);

}  // namespace linegate::daemon
