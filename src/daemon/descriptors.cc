#include "daemon/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace linegate::daemon {

std::size_t connections_within(std::size_t limit, std::size_t wanted, std::size_t upstream) {
  std::size_t taken = upstream + kReservedDescriptors;
  return limit > taken ? std::min(wanted, limit - taken) : 0;
}

std::size_t fit_connections(std::size_t wanted, std::size_t upstream) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  rlim_t needed = wanted + upstream + kReservedDescriptors;
  if (files.rlim_cur < needed) {
    files.rlim_cur = std::min(needed, files.rlim_max);
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
  }
  return connections_within(files.rlim_cur, wanted, upstream);
}

}  // namespace linegate::daemon
