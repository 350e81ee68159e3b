// The Cache-Control field of a response (RFC 9111 section 5.2, RFC 5861), as a shared cache has to take it.
// Knows no policy. Where a directive is given twice or makes no sense, the most restrictive reading counts.
#pragma once

#include <optional>

#include "base/clock.h"
#include "http/headers.h"

namespace linegate {

struct CacheControl {
  bool present = false;  // there is such a field, whatever it says
  bool no_store = false;
  bool no_cache = false;     // with or without field names: what is limited to fields is taken for all
  bool is_private = false;   // likewise
  bool never_stale = false;  // must-revalidate or proxy-revalidate
  // Zero where the value is none. nullopt: not given.
  std::optional<Duration> max_age;
  std::optional<Duration> s_maxage;
  std::optional<Duration> stale_while_revalidate;
  std::optional<Duration> stale_if_error;
};

// Over all Cache-Control fields. Unknown directives are ignored. must-understand is one of them: no-store
// beside it counts.
CacheControl parse_cache_control(const Headers& headers);

}  // namespace linegate
