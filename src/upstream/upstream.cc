// What an upstream is made of, and what it tells of itself.
#include "upstream/upstream.h"

#include <utility>

#include "base/serial.h"
#include "json/quote.h"

namespace linegate {
namespace {

PaceOptions pace_options(const UpstreamOptions& options) {
  PaceOptions pace = options.pace;
  pace.max_in_flight = options.gate.max_in_flight;
  return pace;
}

long long integer(std::uint64_t value) {
  return static_cast<long long>(value);
}

long long to_ms(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

std::string_view name_of(CacheMode mode) {
  switch (mode) {
    case CacheMode::off:
      return "off";
    case CacheMode::rfc9111:
      return "rfc9111";
    case CacheMode::override_ttl:
      return "override";
  }
  return {};
}

void describe(json::Object& object, const StoredPtr& stored, Time at) {
  if (!stored) {
    object.text("state", "absent");
    return;
  }
  Duration age = stored->age(at);
  object.text("state", stored->fresh(at) ? "fresh" : "stale").number("age_ms", to_ms(age));
  object.number("fresh_for_ms", to_ms(std::max(stored->freshness.lifetime - age, Duration::zero())));
}

std::string state_and_wait(std::string_view state, Duration wait) {
  return json::Object().text("state", state).number("wait_ms", to_ms(wait)).take();
}

}  // namespace

std::string_view name(Source source) {
  switch (source) {
    case Source::off:
      return "off";
    case Source::miss:
      return "miss";
    case Source::hit:
      return "hit";
    case Source::stale:
      return "stale";
    case Source::revalidated:
      return "revalidated";
    case Source::coalesced:
      return "coalesced";
  }
  return {};
}

Effect effect_of(const Request& request) {
  if (request.safe()) return Effect::none;
  return request.idempotent() ? Effect::idempotent : Effect::once;
}

Effect effect_of(const Request& request, const CallOptions& options) {
  return options.effect.value_or(effect_of(request));
}

Upstream::Upstream(Session& session, UpstreamOptions options)
    : session_(session),
      options_(std::move(options)),
      id_(next_serial()),
      origin_(session.make_origin(options_.base_url, options_.origin)),
      breaker_(options_.breaker),
      pace_(pace_options(options_), now()),
      gate_timer_(session.loop(), gate_),
      gate_(options_.gate, pace_, gate_timer_),
      retry_budget_(options_.retry_ratio, options_.retry_min_per_second, now()),
      chance_(std::random_device{}()),
      settled_(session.loop().queue()),
      flights_(session.loop().queue()) {
  settled_.set();
}

Upstream::~Upstream() = default;

Upstream::Prospect Upstream::prospect(const Request& request, const CallOptions& options) const {
  Time at = now();
  Prospect prospect;
  prospect.cache = cache_json(request, options);
  const Breaker& guard = options.breaker ? *options.breaker : breaker_;
  prospect.breaker = state_and_wait(linegate::name(guard.state(at)), guard.open_for(at));
  prospect.gate = state_and_wait(linegate::name(pace_.state(at)), pace_.closed_for(at));
  prospect.queue = queue_json(options.client);
  return prospect;
}

std::string Upstream::cache_json(const Request& request, const CallOptions& options) const {
  const CallPolicy defaults;
  const CallPolicy& policy = options.policy ? *options.policy : defaults;
  bool safe = effect_of(request, options) == Effect::none;
  bool caches = safe && options_.cache && request.method != "OPTIONS";
  CacheMode mode = caches ? policy.cache.mode : CacheMode::off;
  json::Object object;
  object.text("mode", name_of(mode));
  if (mode == CacheMode::off && !(safe && policy.coalesce)) return object.take();
  RequestKey key;
  write_key(key, id_, request, policy.cache.mode);
  object.text("key", fingerprint(key));
  if (mode != CacheMode::off) describe(object, options_.cache->peek(key), now());
  object.flag("in_flight", table_.count(key) > 0);
  return object.take();
}

std::string Upstream::queue_json(std::uint64_t client) const {
  Time at = now();
  Time goes = pace_.limited() ? pace_.estimate(at, gate_.ahead_of(client)) : at;
  json::Object object;
  object.number("in_flight", integer(in_flight()));
  object.number("max_in_flight", integer(options_.gate.max_in_flight));
  object.number("waiting", integer(queued()));
  object.number("max_queue", integer(options_.gate.max_queue));
  object.number("wait_ms", to_ms(goes - at));
  return object.take();
}

std::string Upstream::stats_json() const {
  json::Object object;
  object.number("in_flight", integer(in_flight()));
  object.number("waiting", integer(queued()));
  object.number("calls", integer(stats_.calls));
  object.number("attempts", integer(stats_.attempts));
  object.number("replays", integer(stats_.replays));
  object.number("retries", integer(stats_.retries));
  object.number("hedges", integer(stats_.hedges));
  object.number("hits", integer(stats_.hits));
  object.number("stale", integer(stats_.stale));
  object.number("revalidated", integer(stats_.revalidated));
  object.number("coalesced", integer(stats_.coalesced));
  object.number("refused", integer(stats_.refused));
  object.number("rate_limited", integer(stats_.rate_limited));
  object.number("timeouts", integer(stats_.timeouts));
  object.number("failed", integer(stats_.failed));
  object.number("orphans", integer(stats_.orphans));
  object.text("breaker", linegate::name(breaker_.state(now())));
  object.number("breaker_opened", integer(breaker_.times_opened()));
  object.text("gate", linegate::name(pace_.state(now())));
  return object.take();
}

}  // namespace linegate
