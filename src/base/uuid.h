// UUIDs, version 4 (RFC 9562 section 5.4).
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace linegate {

// 128 random bits as the 36 characters of a UUID; the bits of version and variant are set.
std::string uuid_text(std::array<std::uint8_t, 16> random);

}  // namespace linegate
