#include "net/admission.h"

#include <gtest/gtest.h>

#include "net/budget.h"

namespace linegate {
namespace {

using Verdict = Admission::Verdict;

Peer remote(std::uint8_t last) {
  Peer peer;
  peer.family = Peer::Family::ipv4;
  peer.bytes = {192, 0, 2, last};
  return peer;
}

Peer loopback() {
  Peer peer;
  peer.family = Peer::Family::ipv4;
  peer.bytes = {127, 0, 0, 1};
  return peer;
}

std::size_t admit_all(Admission& admission, const Peer& peer) {
  std::size_t n = 0;
  while (admission.enter(peer) == Verdict::admitted) ++n;
  return n;
}

TEST(Admission, KeepsTheLastEightPlacesForLoopback) {
  Admission admission({.max_connections = 100});
  EXPECT_EQ(admit_all(admission, remote(1)), 92u);
  EXPECT_EQ(admission.enter(remote(2)), Verdict::full);
  EXPECT_EQ(admit_all(admission, loopback()), 8u);
  EXPECT_TRUE(admission.at_cap());
}

TEST(Admission, KeepsAtMostHalfOfFewPlaces) {
  Admission admission({.max_connections = 4});
  EXPECT_EQ(admit_all(admission, remote(1)), 2u);
}

TEST(Admission, ResumesAtNinetyFivePercent) {
  Admission admission({.max_connections = 100});
  EXPECT_EQ(admit_all(admission, loopback()), 100u);
  for (int i = 0; i < 4; ++i) admission.left(loopback());
  EXPECT_FALSE(admission.below_resume());
  admission.left(loopback());
  EXPECT_EQ(admission.count(), 95u);
  EXPECT_TRUE(admission.below_resume());
}

TEST(Admission, LimitsEachAddressByItself) {
  Admission admission({.max_connections = 100, .max_per_address = 3});
  EXPECT_EQ(admit_all(admission, remote(1)), 3u);
  EXPECT_EQ(admission.enter(remote(1)), Verdict::too_many_from_address);
  EXPECT_EQ(admission.enter(remote(2)), Verdict::admitted);
  admission.left(remote(1));
  EXPECT_EQ(admission.enter(remote(1)), Verdict::admitted);
}

TEST(Admission, DoesNotCountUnixPeersByAddress) {
  Admission admission({.max_connections = 10, .max_per_address = 1});
  EXPECT_EQ(admit_all(admission, Peer{}), 10u);
}

TEST(Admission, CountsNobodyWhomItRefused) {
  Admission admission({.max_connections = 100, .max_per_address = 1});
  EXPECT_EQ(admission.enter(remote(1)), Verdict::admitted);
  EXPECT_EQ(admission.enter(remote(1)), Verdict::too_many_from_address);
  EXPECT_EQ(admission.count(), 1u);
}

TEST(Admission, LetsInOnlyTheNetworksThatMay) {
  Admission admission({.allow_from = {*Network::parse("192.0.2.0/31"), *Network::parse("192.0.2.7")}});
  EXPECT_EQ(admission.enter(remote(1)), Verdict::admitted);
  EXPECT_EQ(admission.enter(remote(7)), Verdict::admitted);
  EXPECT_EQ(admission.enter(remote(2)), Verdict::forbidden);
  EXPECT_EQ(admission.count(), 2u);
}

TEST(Admission, AlwaysLetsThisMachineIn) {
  Admission admission({.allow_from = {*Network::parse("192.0.2.1")}});
  EXPECT_EQ(admission.enter(loopback()), Verdict::admitted);
  EXPECT_EQ(admission.enter(Peer{}), Verdict::admitted);
}

TEST(Budget, IsFullAboveItsLimitAndBurstsAboveFiveQuarters) {
  Budget budget(100);
  budget.add(100);
  EXPECT_FALSE(budget.full());
  budget.add(1);
  EXPECT_TRUE(budget.full());
  budget.add(24);
  EXPECT_FALSE(budget.burst());
  budget.add(1);
  EXPECT_TRUE(budget.burst());
  budget.give_back(26);
  EXPECT_EQ(budget.used(), 100u);
  EXPECT_FALSE(budget.full());
}

}  // namespace
}  // namespace linegate
