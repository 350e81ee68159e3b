#include "net/admission.h"

#include <algorithm>

namespace linegate {

Admission::Verdict Admission::enter(const Peer& peer) {
  if (!allowed(peer)) return Verdict::forbidden;
  std::size_t kept = std::min(kKeptForLoopback, limits_.max_connections / 2);
  std::size_t places = limits_.max_connections - (peer.is_loopback() ? 0 : kept);
  if (count_ >= places) return Verdict::full;
  if (peer.family != Peer::Family::local) {
    std::size_t& here = per_address_[peer];
    if (here >= limits_.max_per_address) return Verdict::too_many_from_address;
    ++here;
  }
  ++count_;
  return Verdict::admitted;
}

void Admission::left(const Peer& peer) {
  --count_;
  if (peer.family == Peer::Family::local) return;
  auto here = per_address_.find(peer);
  if (--here->second == 0) per_address_.erase(here);
}

bool Admission::allowed(const Peer& peer) const {
  if (limits_.allow_from.empty() || peer.is_loopback()) return true;
  return std::any_of(limits_.allow_from.begin(), limits_.allow_from.end(),
                     [&](const Network& network) { return network.contains(peer); });
}

}  // namespace linegate
