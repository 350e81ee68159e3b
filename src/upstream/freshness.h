// For how long a response may be given to others, by what it says itself and by the route's policy: RFC 9111
// for a shared cache, and RFC 5861. Pure functions of header fields and times.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "base/clock.h"
#include "http/response.h"

namespace linegate {

enum class CacheMode { off, rfc9111, override_ttl };

// Of a route.
struct CachePolicy {
  CacheMode mode = CacheMode::rfc9111;
  Duration ttl = 0s;  // override_ttl: how long a 2xx is fresh, whatever Cache-Control, Expires and Pragma say
  std::uint64_t max_object = std::uint64_t{1} << 20;  // body bytes; larger ones are not stored
  Duration stale_while_revalidate = 0s;               // where the response says nothing
  Duration stale_if_error = 0s;                       // likewise
  Duration max_stale = 1h;                            // bounds both, whatever the response says
  std::map<int, Duration> negative = {};              // by status: where the response says nothing
};

struct Freshness {
  bool store = false;      // it may be kept: it will be fresh, stale but permitted, or can be revalidated
  Duration lifetime{};     // fresh until it is so old
  Duration initial_age{};  // when it arrived (RFC 9111 section 4.2.3)
  // How long after its lifetime it may be given out: while it is refreshed, and when the API fails. Zero:
  // not.
  Duration while_revalidate{};
  Duration if_error{};

  bool operator==(const Freshness&) const = default;
};

// `delay`: from sending the request to the end of the response. `wall`: now in Unix seconds.
//
// Not stored are: mode off, failures, no-store, private, Vary: *, Set-Cookie, 1xx, 206, 304, Content-Range,
// 429 and 5xx (but for those that `negative` names), and what could neither be fresh nor stale nor
// revalidated. Set-Cookie and Vary: * bar it in override_ttl, too; for statuses outside 2xx that mode is
// rfc9111.
//
// A lifetime is s-maxage, max-age, or Expires less Date; there are no heuristics. A response that gives none
// is stored if `negative` names its status, or if it is a 2xx that can be revalidated or may be given out
// stale. no-cache asks for revalidation each time; must-revalidate and proxy-revalidate forbid stale use.
// s-maxage implies the latter (section 5.2.2.10), but only where the response has no stale-while-revalidate
// or stale-if-error of its own: `s-maxage=60, stale-while-revalidate=300` is what many APIs say, and mean.
//
// Where the lifetime is the policy's, ttl or negative, the delay alone is the initial age: an Age field or a
// wrong clock of the API would make it void. A negative lifetime, 429 and 5xx have no stale use.
Freshness freshness_of(const Response& response, const CachePolicy& policy, Duration delay,
                       std::int64_t wall);

// One response may answer several requests that wait for it: not with no-store, private, Set-Cookie or Vary:
// * (RFC 9111 section 4, RFC 9110 section 12.5.5). With override_ttl only the last two bar it. Failures, 429
// and 5xx describe the API, not who asked: they are shared.
bool may_be_shared(const Response& response, CacheMode mode);

// It has an ETag or Last-Modified that can be sent back.
bool has_validator(const Headers& headers);

// A 304 may refresh it: a 2xx with a validator. Others answer no conditions (RFC 9110 section 13.2.1).
bool can_be_revalidated(const Response& response);

}  // namespace linegate
