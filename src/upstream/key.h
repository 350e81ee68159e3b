// The key of cache and flight: the request as it will be sent. So stored responses need no variants.
// Requests are the same if upstream, method, target, fixed fields, further fields and body are, byte for
// byte; the whole of it is kept and compared, never a hash alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/request.h"

namespace linegate {

struct RequestKey {
  std::string bytes;
  std::size_t resource_size = 0;  // of the part that names upstream and target, at the front

  std::string_view resource() const { return std::string_view(bytes).substr(0, resource_size); }
};

// Writes the key of `request` to `upstream` (a number of its own) into `key`, whose memory is reused.
void write_key(RequestKey& key, std::uint64_t upstream, const Request& request);

// 16 hex digits that differ between keys, and between runs of the program: they tell nothing of what is in
// the key.
std::string fingerprint(const RequestKey& key);

}  // namespace linegate
