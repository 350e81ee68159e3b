#include "daemon/repeated.h"

#include <algorithm>

namespace linegate::daemon {

bool Repeated::happened(std::string_view kind, Time now) {
  auto found = kinds_.find(kind);
  if (found == kinds_.end()) found = kinds_.emplace(kind, Kind{now - kInterval, 0}).first;
  Kind& known = found->second;
  bool tell = known.counted == 0 && now - known.told >= kInterval;
  if (tell) {
    known.told = now;
  } else {
    ++known.counted;
  }
  return tell;
}

std::vector<std::pair<std::string, std::size_t>> Repeated::take(Time now) {
  std::vector<std::pair<std::string, std::size_t>> counts;
  for (auto& [kind, known] : kinds_) {
    if (known.counted == 0 || known.told > now - kInterval) continue;
    counts.emplace_back(kind, std::exchange(known.counted, 0));
    known.told = now;
  }
  return counts;
}

std::optional<Time> Repeated::next() const {
  std::optional<Time> next;
  for (const auto& [kind, known] : kinds_) {
    if (known.counted > 0) next = std::min(next.value_or(Time::max()), known.told + kInterval);
  }
  return next;
}

}  // namespace linegate::daemon
