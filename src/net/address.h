// Where to listen, who is calling, and which networks may: "127.0.0.1:15555", a peer's address, "10.0.0.0/8".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace linegate {

// A place to listen on or to connect to: "host:port", "[::1]:port", ":port" (all interfaces), "unix:/path".
struct Endpoint {
  std::string host;        // without brackets; empty = all interfaces
  std::uint16_t port = 0;  // 0 = any free one
  std::string path;        // not empty = a Unix socket

  bool is_unix() const { return !path.empty(); }
  // A host that only this machine can reach: a Unix socket, "localhost", 127.0.0.0/8, ::1.
  bool is_loopback() const;
};

std::optional<Endpoint> parse_endpoint(std::string_view text);

// The other end of a connection. IPv4-mapped IPv6 addresses are IPv4.
struct Peer {
  enum class Family : std::uint8_t { ipv4, ipv6, local };

  Family family = Family::local;         // local = a Unix socket
  std::array<std::uint8_t, 16> bytes{};  // IPv4: the first four
  std::uint16_t port = 0;

  static Peer from(const sockaddr* address);
  bool is_loopback() const;
  std::string address() const;  // "192.0.2.1", "2001:db8::1", "unix"
  std::string text() const;     // with port: "192.0.2.1:4711", "[2001:db8::1]:4711", "unix"

  bool same_address(const Peer& other) const { return family == other.family && bytes == other.bytes; }
};

struct PeerAddressHash {
  std::size_t operator()(const Peer& peer) const {
    return std::hash<std::string_view>()(
        {reinterpret_cast<const char*>(peer.bytes.data()), peer.bytes.size()});
  }
};
struct PeerAddressEqual {
  bool operator()(const Peer& a, const Peer& b) const { return a.same_address(b); }
};

// A network in CIDR notation (RFC 4632, RFC 4291 section 2.3); a bare address is a network of one.
class Network {
 public:
  static std::optional<Network> parse(std::string_view text);
  bool contains(const Peer& peer) const;

 private:
  Peer base_;
  unsigned bits_ = 0;
};

}  // namespace linegate
