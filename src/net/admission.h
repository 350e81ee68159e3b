// Who may connect, and how many: a pure policy that the server asks at each accept. Counts connections; owns
// none.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "net/address.h"

namespace linegate {

class Admission {
 public:
  struct Limits {
    std::size_t max_connections = 10'000;
    std::size_t max_per_address = 1'000;   // Unix-socket peers have no address and are not counted
    std::vector<Network> allow_from = {};  // empty = anybody; loopback and Unix-socket peers always may
  };

  enum class Verdict { admitted, forbidden, too_many_from_address, full };

  // The last places are for loopback peers, so that a health check is answered at the cap.
  static constexpr std::size_t kKeptForLoopback = 8;

  explicit Admission(Limits limits) : limits_(std::move(limits)) {}

  // Counts the peer if it is admitted; then left() must follow.
  Verdict enter(const Peer& peer);
  void left(const Peer& peer);

  std::size_t count() const { return count_; }
  bool at_cap() const { return count_ >= limits_.max_connections; }
  // Accepting stops at the cap and resumes here: 95 % of it.
  bool below_resume() const { return count_ * 100 <= limits_.max_connections * 95; }

 private:
  bool allowed(const Peer& peer) const;

  Limits limits_;
  std::size_t count_ = 0;
  std::unordered_map<Peer, std::size_t, PeerAddressHash, PeerAddressEqual> per_address_;
};

}  // namespace linegate
