// SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a hash of strings that
// others choose. Who does not know its key can neither make two strings collide nor tell what was hashed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace linegate {

using HashKey = std::array<std::uint64_t, 2>;

std::uint64_t sip_hash(const HashKey& key, std::string_view text);

// Under a random key of this process.
std::uint64_t keyed_hash(std::string_view text);

// For maps from std::string that are asked with a std::string_view. Not noexcept on purpose: libstdc++ then
// keeps the hash with each element instead of reckoning it anew.
struct KeyedHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return keyed_hash(text); }
};

}  // namespace linegate
