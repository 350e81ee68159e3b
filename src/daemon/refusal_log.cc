#include "daemon/refusal_log.h"

#include <string>

#include "daemon/log.h"

namespace linegate::daemon {

void RefusalLog::tell(std::string_view what, const Peer& peer, std::string_view reason) {
  std::string kind(reason);
  kind.insert(0, std::string(what) + " @: ");
  bool first = repeated_.happened(kind, loop_.now());
  if (auto next = repeated_.next(); next && !armed()) arm(*next);
  if (first) log_warning(kind.replace(kind.find('@'), 1, peer.text()));
}

void RefusalLog::tell_counts(Time now) {
  for (auto& [kind, count] : repeated_.take(now)) {
    log_warning(kind.replace(kind.find(" @"), 2, "") + " (" + std::to_string(count) +
                " such in the last second)");
  }
  if (auto next = repeated_.next(); next && now != Time::max()) arm(*next);
}

}  // namespace linegate::daemon
