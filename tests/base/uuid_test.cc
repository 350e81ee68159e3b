#include "base/uuid.h"

#include <gtest/gtest.h>

namespace linegate {
namespace {

TEST(Uuid, HasVersionAndVariantInTheirPlaces) {
  std::array<std::uint8_t, 16> bytes{};
  EXPECT_EQ(uuid_text(bytes), "00000000-0000-4000-8000-000000000000");
  bytes.fill(0xff);
  EXPECT_EQ(uuid_text(bytes), "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

TEST(Uuid, ShowsEachByteInItsPlace) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::uint8_t i = 0; i < 16; ++i) bytes[i] = static_cast<std::uint8_t>(i * 17);
  EXPECT_EQ(uuid_text(bytes), "00112233-4455-4677-8899-aabbccddeeff");
}

}  // namespace
}  // namespace linegate
