#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace linegate {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

std::optional<Peer> parse_address(const std::string& text) {
  Peer peer;
  if (inet_pton(AF_INET, text.c_str(), peer.bytes.data()) == 1) {
    peer.family = Peer::Family::ipv4;
    return peer;
  }
  if (inet_pton(AF_INET6, text.c_str(), peer.bytes.data()) == 1) {
    peer.family = Peer::Family::ipv6;
    return peer;
  }
  return std::nullopt;
}

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0,    0,
                                                  0, 0, 0, 0, 0xff, 0xff};  // RFC 4291 2.5.5.2

}  // namespace

bool Endpoint::is_loopback() const {
  if (is_unix() || host == "localhost") return true;
  auto address = parse_address(host);
  return address && address->is_loopback();
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  if (text.substr(0, 5) == "unix:") {
    endpoint.path = text.substr(5);
    constexpr std::size_t kLongest = 107;  // sun_path
    if (endpoint.path.empty() || endpoint.path.size() > kLongest) return std::nullopt;
    return endpoint;
  }
  std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  endpoint.port = *port;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    auto address = parse_address(std::string(host));
    if (!address || address->family != Peer::Family::ipv6) return std::nullopt;
  } else if (host.find_first_of(":[] /") != std::string_view::npos) {
    return std::nullopt;  // an IPv6 address needs its brackets
  }
  endpoint.host = host;
  return endpoint;
}

Peer Peer::from(const sockaddr* address) {
  Peer peer;
  if (address->sa_family == AF_INET) {
    auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    peer.family = Family::ipv4;
    std::memcpy(peer.bytes.data(), &v4->sin_addr, 4);
    peer.port = ntohs(v4->sin_port);
  } else if (address->sa_family == AF_INET6) {
    auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    peer.family = Family::ipv6;
    std::memcpy(peer.bytes.data(), &v6->sin6_addr, 16);
    peer.port = ntohs(v6->sin6_port);
    if (std::equal(kMapped.begin(), kMapped.end(), peer.bytes.begin())) {
      peer.family = Family::ipv4;
      std::copy_n(peer.bytes.begin() + 12, 4, peer.bytes.begin());
      std::fill(peer.bytes.begin() + 4, peer.bytes.end(), std::uint8_t{0});
    }
  }
  return peer;
}

bool Peer::is_loopback() const {
  if (family == Family::local) return true;
  if (family == Family::ipv4) return bytes[0] == 127;
  return std::all_of(bytes.begin(), bytes.begin() + 15, [](auto b) { return b == 0; }) && bytes[15] == 1;
}

std::string Peer::address() const {
  if (family == Family::local) return "unix";
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family == Family::ipv4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

std::string Peer::text() const {
  if (family == Family::local) return "unix";
  std::string host = address();
  if (family == Family::ipv6) host = "[" + host + "]";
  return host + ":" + std::to_string(port);
}

std::optional<Network> Network::parse(std::string_view text) {
  std::size_t slash = text.find('/');
  auto base = parse_address(std::string(text.substr(0, slash)));
  if (!base) return std::nullopt;
  unsigned longest = base->family == Peer::Family::ipv4 ? 32 : 128;
  Network network;
  network.base_ = *base;
  network.bits_ = longest;
  if (slash != std::string_view::npos) {
    auto bits = parse_port(text.substr(slash + 1));
    if (!bits || *bits > longest) return std::nullopt;
    network.bits_ = *bits;
  }
  return network;
}

bool Network::contains(const Peer& peer) const {
  if (peer.family != base_.family) return false;
  std::size_t whole = bits_ / 8;
  if (!std::equal(base_.bytes.begin(), base_.bytes.begin() + whole, peer.bytes.begin())) return false;
  unsigned rest = bits_ % 8;
  if (rest == 0) return true;
  auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return (base_.bytes[whole] & mask) == (peer.bytes[whole] & mask);
}

}  // namespace linegate
