// The key of cache and flight: the request as it will be sent. So stored responses need no variants.
// Requests are the same if upstream, method, target, fixed fields, further fields and body are, byte for
// byte; the whole of it is kept and compared, never a hash alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/keyed_hash.h"
#include "http/request.h"
#include "upstream/freshness.h"

namespace linegate {

struct RequestKey {
  std::string bytes;
  std::uint64_t hash = 0;         // keyed_hash() of the bytes, reckoned once
  std::size_t resource_size = 0;  // of the part that names upstream and target, at the front

  std::string_view resource() const { return std::string_view(bytes).substr(0, resource_size); }
};

// Writes the key of `request` to `upstream` (a number of its own) into `key`, whose memory is reused. Of the
// cache's modes, override_ttl has keys of its own: what it stores against a response's word is not for
// others.
void write_key(RequestKey& key, std::uint64_t upstream, const Request& request, CacheMode mode);

// For maps whose keys are the bytes of such keys: those that stand in the map as text, and those that are
// asked with, whose hash is known. Not noexcept on purpose: see KeyedHash.
struct RequestKeyHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view bytes) const { return keyed_hash(bytes); }
  std::size_t operator()(const RequestKey& key) const { return key.hash; }
};
struct RequestKeyEqual {
  using is_transparent = void;
  bool operator()(std::string_view one, std::string_view other) const { return one == other; }
  bool operator()(const RequestKey& one, std::string_view other) const { return one.bytes == other; }
  bool operator()(std::string_view one, const RequestKey& other) const { return one == other.bytes; }
};

// 16 hex digits that differ between keys, and between runs of the program: they tell nothing of what is in
// the key.
std::string fingerprint(const RequestKey& key);

}  // namespace linegate
