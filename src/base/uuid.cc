#include "base/uuid.h"

namespace linegate {

std::string uuid_text(std::array<std::uint8_t, 16> random) {
  constexpr char kHex[] = "0123456789abcdef";
  random[6] = static_cast<std::uint8_t>((random[6] & 0x0f) | 0x40);
  random[8] = static_cast<std::uint8_t>((random[8] & 0x3f) | 0x80);
  std::string text;
  for (std::size_t i = 0; i < random.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHex[random[i] >> 4];
    text += kHex[random[i] & 15];
  }
  return text;
}

}  // namespace linegate
