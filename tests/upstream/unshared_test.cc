#include "upstream/unshared.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace linegate {
namespace {

constexpr Time kStart = Time{} + 1h;

TEST(Unshared, KnowsWhatItWasToldForAMinute) {
  Unshared unshared;
  EXPECT_FALSE(unshared.knows(1, kStart));
  unshared.note(1, kStart);
  EXPECT_TRUE(unshared.knows(1, kStart + 59s));
  EXPECT_FALSE(unshared.knows(1, kStart + 60s));
  EXPECT_FALSE(unshared.knows(2, kStart));
}

TEST(Unshared, ForgetsWhatIsSharedAgain) {
  Unshared unshared;
  unshared.forget(1);
  unshared.note(1, kStart);
  unshared.forget(2);
  unshared.forget(1 + Unshared::kSlots);  // in the same place
  EXPECT_TRUE(unshared.knows(1, kStart));
  unshared.forget(1);
  EXPECT_FALSE(unshared.knows(1, kStart));
}

TEST(Unshared, ForgetsRatherThanGrows) {
  Unshared unshared;
  for (int i = 0; i < 100'000; ++i) unshared.note(static_cast<std::uint64_t>(i), kStart);
  int known = 0;
  for (int i = 0; i < 100'000; ++i) known += unshared.knows(static_cast<std::uint64_t>(i), kStart);
  EXPECT_LE(known, static_cast<int>(Unshared::kSlots));
  EXPECT_TRUE(unshared.knows(99999, kStart));
}

}  // namespace
}  // namespace linegate
