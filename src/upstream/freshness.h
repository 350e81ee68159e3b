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
  // How long after its lifetime it may be given out: while it is refreshed, and when the API fails. Zero: not.
  Duration while_revalidate{};
  Duration if_error{};
};

// `delay`: from sending the request to the end of the response. `wall`: now in Unix seconds. Not stored are:
// mode off, no-store, private, Vary: *, Set-Cookie, 206, 304, 429 and 5xx (but for those that `negative`
// names), and what could neither be fresh nor stale nor revalidated. Set-Cookie and Vary: * bar it in
// override_ttl, too; `negative` applies to statuses outside 2xx in both modes.
Freshness freshness_of(const Response& response, const CachePolicy& policy, Duration delay, std::int64_t wall);

// One response may answer several requests that wait for it: not with no-store, private, Set-Cookie or Vary: *
// (RFC 9111 section 4, RFC 9110 section 12.5.5). With override_ttl only the last two bar it. Failures, 429
// and 5xx describe the API, not who asked: they are shared.
bool may_be_shared(const Response& response, CacheMode mode);

// A 304 may refresh it.
bool has_validator(const Headers& headers);

}  // namespace linegate
