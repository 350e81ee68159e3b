// The hash of strings that others choose.
#include "base/keyed_hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace linegate {
namespace {

constexpr HashKey kKey = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

// The first vector of SipHash-1-3: key 00 01 … 0f, no input.
TEST(SipHash, IsTheOneThatOthersReckon) {
  EXPECT_EQ(sip_hash(kKey, ""), 0xabac0158050fc4dcu);
}

TEST(SipHash, CountsEveryByteAndTheLength) {
  std::set<std::uint64_t> hashes;
  for (std::size_t length = 0; length < 40; ++length) {
    std::string text(length, '\0');
    hashes.insert(sip_hash(kKey, text));
    for (char& c : text) {
      c = '\xff';
      hashes.insert(sip_hash(kKey, text));
      c = '\0';
    }
  }
  EXPECT_EQ(hashes.size(), 40u + 39u * 40u / 2u);
}

TEST(SipHash, DependsOnBothHalvesOfItsKey) {
  EXPECT_NE(sip_hash({0, 0}, "text"), sip_hash({1, 0}, "text"));
  EXPECT_NE(sip_hash({0, 0}, "text"), sip_hash({0, 1}, "text"));
}

TEST(KeyedHash, StaysTheSameWithinAProcess) {
  EXPECT_EQ(keyed_hash("text"), keyed_hash(std::string("text")));
  EXPECT_NE(keyed_hash("text"), sip_hash({0, 0}, "text"));
}

}  // namespace
}  // namespace linegate
