#include "base/keyed_hash.h"

#include <bit>
#include <random>

namespace linegate {
namespace {

constexpr std::size_t kWord = 8;

struct SipState {
  explicit SipState(const HashKey& key)
      : a(key[0] ^ 0x736f6d6570736575),
        b(key[1] ^ 0x646f72616e646f6d),
        c(key[0] ^ 0x6c7967656e657261),
        d(key[1] ^ 0x7465646279746573) {}

  void round() {
    a += b, c += d;
    b = std::rotl(b, 13) ^ a, d = std::rotl(d, 16) ^ c;
    a = std::rotl(a, 32);
    c += b, a += d;
    b = std::rotl(b, 17) ^ c, d = std::rotl(d, 21) ^ a;
    c = std::rotl(c, 32);
  }

  void add(std::uint64_t word) {
    d ^= word;
    round();
    a ^= word;
  }

  std::uint64_t finish() {
    c ^= 0xff;
    for (int i = 0; i < 3; ++i) round();
    return a ^ b ^ c ^ d;
  }

  std::uint64_t a, b, c, d;
};

// At most eight bytes, the first one lowest. Compilers make one load of the loop.
std::uint64_t word_of(std::string_view bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return word;
}

HashKey random_key() {
  std::random_device random;
  auto word = [&] { return std::uint64_t{random()} << 32 | random(); };
  return {word(), word()};
}

}  // namespace

std::uint64_t sip_hash(const HashKey& key, std::string_view text) {
  SipState state(key);
  std::uint64_t length = text.size();
  for (; text.size() >= kWord; text.remove_prefix(kWord)) state.add(word_of(text.substr(0, kWord)));
  state.add(word_of(text) | length << 56);
  return state.finish();
}

std::uint64_t keyed_hash(std::string_view text) {
  static const HashKey key = random_key();
  return sip_hash(key, text);
}

}  // namespace linegate
