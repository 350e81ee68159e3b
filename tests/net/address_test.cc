#include "net/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

namespace linegate {
namespace {

Peer peer_at(const std::string& address) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(4711);
  if (inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1)
    return Peer::from(reinterpret_cast<sockaddr*>(&v6));
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(4711);
  inet_pton(AF_INET, address.c_str(), &v4.sin_addr);
  return Peer::from(reinterpret_cast<sockaddr*>(&v4));
}

bool inside(const char* network, const char* address) {
  auto parsed = Network::parse(network);
  return parsed && parsed->contains(peer_at(address));
}

TEST(Endpoint, TakesHostAndPort) {
  auto endpoint = parse_endpoint("127.0.0.1:15555");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->host, "127.0.0.1");
  EXPECT_EQ(endpoint->port, 15555);
  EXPECT_FALSE(endpoint->is_unix());
}

TEST(Endpoint, TakesAnIpv6AddressInBrackets) {
  auto endpoint = parse_endpoint("[2001:db8::1]:80");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->host, "2001:db8::1");
  EXPECT_EQ(endpoint->port, 80);
}

TEST(Endpoint, MeansAllInterfacesWithoutAHost) {
  auto endpoint = parse_endpoint(":0");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->host, "");
  EXPECT_EQ(endpoint->port, 0);
}

TEST(Endpoint, TakesAUnixPathThatFitsIntoASocketAddress) {
  auto endpoint = parse_endpoint("unix:/run/linegate.sock");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->path, "/run/linegate.sock");
  EXPECT_TRUE(parse_endpoint("unix:" + std::string(107, 'a')));
  EXPECT_FALSE(parse_endpoint("unix:" + std::string(108, 'a')));
  EXPECT_FALSE(parse_endpoint("unix:"));
}

TEST(Endpoint, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "localhost", "localhost:", "localhost:x", "localhost:65536", "localhost:-1",
                           "h:+80", "h: 80", "h:80 ", "::1:80", "[::1]", "[::1]80", "[127.0.0.1]:80", "[]:80",
                           "[::1:80", "a b:80", "http://h:80"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

TEST(Endpoint, KnowsWhatOnlyThisMachineCanReach) {
  for (const char* text : {"127.0.0.1:1", "127.8.9.10:1", "localhost:1", "[::1]:1", "unix:/x"}) {
    EXPECT_TRUE(parse_endpoint(text)->is_loopback()) << text;
  }
  for (const char* text : {":1", "0.0.0.0:1", "[::]:1", "192.0.2.1:1", "example.org:1"}) {
    EXPECT_FALSE(parse_endpoint(text)->is_loopback()) << text;
  }
}

TEST(Peer, IsShownAsAnAddressWithItsPort) {
  EXPECT_EQ(peer_at("192.0.2.1").text(), "192.0.2.1:4711");
  EXPECT_EQ(peer_at("2001:db8::1").text(), "[2001:db8::1]:4711");
  EXPECT_EQ(peer_at("2001:db8::1").address(), "2001:db8::1");
  EXPECT_EQ(Peer{}.text(), "unix");
}

TEST(Peer, OfIpv4InIpv6IsIpv4) {
  Peer peer = peer_at("::ffff:192.0.2.1");
  EXPECT_EQ(peer.family, Peer::Family::ipv4);
  EXPECT_EQ(peer.text(), "192.0.2.1:4711");
  EXPECT_TRUE(peer.same_address(peer_at("192.0.2.1")));
}

TEST(Peer, KnowsLoopback) {
  EXPECT_TRUE(peer_at("127.0.0.2").is_loopback());
  EXPECT_TRUE(peer_at("::1").is_loopback());
  EXPECT_TRUE(peer_at("::ffff:127.0.0.1").is_loopback());
  EXPECT_TRUE(Peer{}.is_loopback());
  EXPECT_FALSE(peer_at("128.0.0.1").is_loopback());
  EXPECT_FALSE(peer_at("::").is_loopback());
  EXPECT_FALSE(peer_at("1::1").is_loopback());
}

TEST(Peer, IsTheSameAddressWhateverItsPort) {
  Peer one = peer_at("192.0.2.1");
  Peer two = one;
  two.port = 1;
  EXPECT_TRUE(PeerAddressEqual()(one, two));
  EXPECT_EQ(PeerAddressHash()(one), PeerAddressHash()(two));
  EXPECT_FALSE(PeerAddressEqual()(one, peer_at("192.0.2.2")));
}

TEST(Network, ContainsItsAddresses) {
  EXPECT_TRUE(inside("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(inside("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(inside("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(inside("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(inside("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(inside("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(Network, OfABareAddressIsThatAddress) {
  EXPECT_TRUE(inside("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(inside("192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(inside("::1/128", "::1"));
}

TEST(Network, OfNoBitsIsEverybodyOfThatFamily) {
  EXPECT_TRUE(inside("0.0.0.0/0", "203.0.113.9"));
  EXPECT_TRUE(inside("0.0.0.0/0", "::ffff:203.0.113.9"));
  EXPECT_FALSE(inside("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(inside("::/0", "2001:db8::1"));
}

TEST(Network, RefusesWhatIsNone) {
  for (const char* text :
       {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "::/129", "localhost", "10.0.0.0/8 "}) {
    EXPECT_FALSE(Network::parse(text)) << text;
  }
}

}  // namespace
}  // namespace linegate
