#include "upstream/freshness.h"

#include <algorithm>
#include <optional>

#include "http/date.h"
#include "json/scan.h"
#include "upstream/cache_control.h"
#include "upstream/outcome.h"

namespace linegate {
namespace {

// As for delta-seconds (RFC 9111 section 1.2.2). Sums of a few such durations do not overflow.
constexpr Duration kLongest = std::chrono::seconds(std::int64_t{1} << 31);

Duration bounded(Duration duration) {
  return std::clamp(duration, Duration::zero(), kLongest);
}

Duration between(std::int64_t from, std::int64_t to) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  return std::chrono::seconds(std::clamp<std::int64_t>(to - from, 0, kMost));
}

// ---------------------------------------------------------------- what the response says

bool is_success(int status) {
  return status >= 200 && status < 300;
}

// `member` is in one of the lists that the fields of that name are.
bool lists(const Headers& headers, std::string_view field, std::string_view member) {
  bool found = false;
  headers.for_each_of(field, [&](std::string_view list) {
    while (!list.empty()) {
      std::size_t end = std::min(list.find(','), list.size());
      if (same_name(json::trim(list.substr(0, end)), member)) found = true;
      list.remove_prefix(std::min(end + 1, list.size()));
    }
  });
  return found;
}

// Its next reader may have to get another one.
bool is_personal(const Headers& headers) {
  return headers.get("Set-Cookie") || lists(headers, "Vary", "*");
}

bool is_partial(const Response& response) {
  return response.status == 206 || response.headers.get("Content-Range");
}

bool bars_sharing(const CacheControl& control) {
  return control.no_store || control.is_private;
}

// Pragma is only defined for requests; by custom it is taken from responses that have no Cache-Control.
bool asks_for_revalidation(const Headers& headers, const CacheControl& control) {
  return control.present ? control.no_cache : lists(headers, "Pragma", "no-cache");
}

std::optional<std::int64_t> date_of(const Headers& headers, std::string_view name) {
  auto field = headers.get(name);
  return field ? parse_http_date(*field) : std::nullopt;
}

// RFC 9111 section 4.2.1, without heuristics.
std::optional<Duration> explicit_lifetime(const Headers& headers, const CacheControl& control,
                                          std::int64_t wall) {
  if (control.s_maxage) return control.s_maxage;
  if (control.max_age) return control.max_age;
  if (!headers.get("Expires")) return std::nullopt;
  auto expires = date_of(headers, "Expires");
  if (!expires) return Duration::zero();  // "0" and the like: it has expired (section 5.3)
  return between(date_of(headers, "Date").value_or(wall), *expires);
}

// RFC 9111 section 5.1: of several the first, and nothing if that is no number.
Duration age_field(const Headers& headers) {
  auto field = headers.get("Age");
  if (!field) return Duration::zero();
  return parse_delta_seconds(json::trim(field->substr(0, field->find(',')))).value_or(Duration::zero());
}

// RFC 9111 section 4.2.3.
Duration initial_age(const Headers& headers, Duration delay, std::int64_t wall) {
  Duration apparent = between(date_of(headers, "Date").value_or(wall), wall);
  return std::max(apparent, bounded(age_field(headers) + delay));
}

// ---------------------------------------------------------------- what the policy makes of it

bool never_stored(const Response& response, const CachePolicy& policy) {
  int status = response.status;
  return policy.mode == CacheMode::off || response.error || status < 200 || status == 304 ||
         is_partial(response) || is_personal(response.headers) ||
         (is_failure_status(status) && policy.negative.count(status) == 0);
}

void permit_stale(Freshness& freshness, const CachePolicy& policy, const CacheControl& said) {
  Duration most = bounded(policy.max_stale);
  auto window = [&](std::optional<Duration> given, Duration otherwise) {
    if (!given && said.s_maxage) return Duration::zero();
    return std::min(bounded(given.value_or(otherwise)), most);
  };
  freshness.while_revalidate = window(said.stale_while_revalidate, policy.stale_while_revalidate);
  freshness.if_error = window(said.stale_if_error, policy.stale_if_error);
}

Freshness by_ttl(const CachePolicy& policy, Duration delay) {
  Freshness freshness;
  freshness.lifetime = bounded(policy.ttl);
  freshness.initial_age = delay;
  permit_stale(freshness, policy, {});
  return freshness;
}

// Where a response does not say for how long it is fresh.
Freshness by_status(const Response& response, const CachePolicy& policy, Freshness freshness,
                    Duration delay) {
  auto negative = policy.negative.find(response.status);
  if (is_success(response.status) || negative == policy.negative.end()) return freshness;
  freshness.lifetime = bounded(negative->second);
  freshness.initial_age = delay;
  return freshness;
}

Freshness by_rfc9111(const Response& response, const CachePolicy& policy, const CacheControl& control,
                     Duration delay, std::int64_t wall) {
  Freshness freshness;
  freshness.initial_age = initial_age(response.headers, delay, wall);
  if (asks_for_revalidation(response.headers, control)) return freshness;
  auto lifetime = explicit_lifetime(response.headers, control, wall);
  if (lifetime) freshness.lifetime = *lifetime;
  if (!lifetime) freshness = by_status(response, policy, freshness, delay);
  bool may_be_stale = lifetime ? !is_failure_status(response.status) : is_success(response.status);
  if (may_be_stale && !control.never_stale) permit_stale(freshness, policy, control);
  return freshness;
}

bool is_of_use(const Response& response, const Freshness& freshness) {
  Duration longest = freshness.lifetime + std::max(freshness.while_revalidate, freshness.if_error);
  return freshness.initial_age < longest || can_be_revalidated(response);
}

}  // namespace

Freshness freshness_of(const Response& response, const CachePolicy& policy, Duration delay,
                       std::int64_t wall) {
  if (never_stored(response, policy)) return {};
  bool overridden = policy.mode == CacheMode::override_ttl && is_success(response.status);
  CacheControl control = parse_cache_control(response.headers);
  if (!overridden && bars_sharing(control)) return {};
  delay = bounded(delay);
  Freshness freshness =
      overridden ? by_ttl(policy, delay) : by_rfc9111(response, policy, control, delay, wall);
  freshness.store = is_of_use(response, freshness);
  return freshness;
}

bool may_be_shared(const Response& response, CacheMode mode) {
  if (response.error || is_failure_status(response.status)) return true;
  if (is_personal(response.headers)) return false;
  return mode == CacheMode::override_ttl || !bars_sharing(parse_cache_control(response.headers));
}

bool has_validator(const Headers& headers) {
  auto etag = headers.get("ETag");
  if (etag && !etag->empty() && valid_field("If-None-Match", *etag)) return true;
  return date_of(headers, "Last-Modified").has_value();
}

bool can_be_revalidated(const Response& response) {
  return response.ok() && has_validator(response.headers);
}

}  // namespace linegate
