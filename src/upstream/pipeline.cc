// The way of a call: cache, coalesce, (attempt.cc), store, fan out.
#include <ctime>
#include <utility>

#include "loop/sleep.h"
#include "upstream/attempt.h"
#include "upstream/upstream.h"

namespace linegate {
namespace {

const std::shared_ptr<const CallPolicy>& default_policy() {
  static const auto policy = std::make_shared<const CallPolicy>();
  return policy;
}

bool uses_cache(const Request& request, const CallOptions& options) {
  return options.policy->cache.mode != CacheMode::off && request.method != "OPTIONS" &&
         effect_of(request, options) == Effect::none;
}

// Stored answers stand in for these: the API cannot be had, or says that it cannot.
bool is_failure(const Response& response) {
  if (!response.error) return is_failure_status(response.status);
  switch (response.error->kind) {
    case ErrorKind::bad_request:
    case ErrorKind::too_large:
    case ErrorKind::memory:
      return false;
    default:
      return true;
  }
}

// A 2xx that is not what it should be: a login page, a proxy's apology.
bool is_bad_payload(const Flight& flight) {
  Response& response = *flight.so_far.response;
  return flight.policy().json && response.ok() && !response.json();
}

// An attempt that failed, or was given up, may have acted all the same.
bool may_have_acted(const Flight& flight) {
  const auto& response = flight.so_far.response;
  bool answered_at_once = flight.so_far.attempts == 1 && response && !response->error;
  return answered_at_once ? response->status < 400 : flight.progress.sent;
}

// It can still be given out, fresh or because the API fails.
bool is_good(const StoredPtr& stored, Time now) {
  return stored && (stored->fresh(now) || stored->usable_on_error(now));
}

// A caller's own, over everything.
Clocks own_clocks(Time now, const CallOptions& options) {
  Clocks clocks;
  clocks.total = deadline_after(now, options.policy->timeouts.total);
  clocks.client = deadline_after(now, options.client_timeout);
  return clocks;
}

Outcome from_stored(const Stored& stored, Source source, Time now) {
  Outcome outcome;
  outcome.response = stored.response;
  outcome.source = source;
  outcome.age = stored.age(now);
  return outcome;
}

}  // namespace

// ---- cache

std::optional<Outcome> Upstream::answer_from_cache(const Request& request, const CallOptions& options) {
  if (!options_.cache || !options.policy || !uses_cache(request, options)) return std::nullopt;
  write_key(scratch_key_, id_, request, options.policy->cache.mode);
  StoredPtr found;
  auto outcome = look_up(scratch_key_, request, options, found);
  if (outcome) ++stats_.calls;
  return outcome;
}

RequestKey Upstream::key_of(const Request& request, const CallOptions& options) const {
  RequestKey key;
  write_key(key, id_, request, options.policy->cache.mode);
  return key;
}

std::optional<Outcome> Upstream::fresh_answer(const RequestKey& key) {
  Time at = now();
  StoredPtr found = options_.cache ? options_.cache->find(key, at) : nullptr;
  if (!found || !found->fresh(at)) return std::nullopt;
  ++stats_.calls;
  ++stats_.hits;
  return from_stored(*found, Source::hit, at);
}

std::optional<Outcome> Upstream::look_up(const RequestKey& key, const Request& request,
                                         const CallOptions& options, StoredPtr& found) {
  Time at = now();
  found = options_.cache->find(key, at);
  if (!found) return std::nullopt;
  bool fresh = found->fresh(at);
  if (fresh && (!options.fresh || found->age(at) < *options.fresh)) {
    ++stats_.hits;
    return from_stored(*found, Source::hit, at);
  }
  if (options.fresh || !found->usable_while_revalidating(at)) return std::nullopt;
  refresh(key, request, options, found);
  ++stats_.stale;
  return from_stored(*found, Source::stale, at);
}

// In the background; at most one for each key.
void Upstream::refresh(const RequestKey& key, const Request& request, const CallOptions& options,
                       StoredPtr old) {
  if (table_.count(key) > 0) return;
  CallOptions own = options;
  own.client = 0;
  own.client_timeout = Duration::max();
  Flight& flight = start(request, own, key, std::move(old), Table::enter);
  flight.go_in_background();
  admit(flight, own_clocks(now(), own));
}

// ---- coalesce

// Thousands of these wait: what is needed before and after the wait lies in other frames.
Task<Outcome> Upstream::call(Request request, CallOptions options) {
  ++stats_.calls;
  if (!options.policy) options.policy = default_policy();
  const Clocks own = own_clocks(now(), options);
  Flight* flight = nullptr;
  if (auto known = begin(request, options, own, flight)) co_return *std::move(known);
  FlightWait wait(session_.loop(), *flight, earliest({}, own), !options.fresh);
  Outcome outcome = co_await wait;
  // Not to be shared: everybody goes on alone, at the same time.
  if (!outcome.response) outcome = co_await ask_alone(request, options, own);
  count(outcome);
  co_return outcome;
}

// The cache's answer, or the flight that this call joins or starts. Only the latter takes the request.
std::optional<Outcome> Upstream::begin(Request& request, const CallOptions& options, const Clocks& own,
                                       Flight*& flight) {
  RequestKey key;
  write_key(key, id_, request, options.policy->cache.mode);
  StoredPtr old;
  if (options_.cache && uses_cache(request, options)) {
    if (auto known = look_up(key, request, options, old)) return known;
  }
  flight = find_to_join(key, request, options);
  if (!flight) {
    bool joinable = options.policy->coalesce && !unshared_.knows(key.hash, now());
    Table table = joinable ? Table::enter : Table::stay_out;
    flight = &start(std::exchange(request, {}), options, std::move(key), std::move(old), table);
  }
  admit(*flight, own);
  return std::nullopt;
}

// Not inline: clang would make its frame a part of call()'s.
[[gnu::noinline]] Task<Outcome> Upstream::ask_alone(Request& request, const CallOptions& options,
                                                    const Clocks& own) {
  RequestKey key;
  write_key(key, id_, request, options.policy->cache.mode);
  Flight& flight = start(std::move(request), options, std::move(key), nullptr, Table::stay_out);
  admit(flight, own);
  FlightWait wait(session_.loop(), flight, earliest({}, own), false);
  co_return co_await wait;
}

// A call that must not be answered from the cache does not join; others may join it. One with an effect is
// sent for itself, whatever looks the same.
Flight* Upstream::find_to_join(const RequestKey& key, const Request& request,
                               const CallOptions& options) const {
  bool shares = options.policy->coalesce && effect_of(request, options) == Effect::none;
  if (!shares || options.fresh) return nullptr;
  auto found = table_.find(key);
  return found == table_.end() ? nullptr : *found;
}

Flight& Upstream::start(Request request, const CallOptions& options, RequestKey key, StoredPtr old,
                        Table table) {
  Flight::Owner& owner = *this;
  auto made = std::make_unique<Flight>(owner, std::move(request), options);
  Flight& flight = *made;
  flight.key = std::move(key);
  flight.old = std::move(old);
  flight.send.max_body = options_.max_body;
  flight.send.redirects = options_.redirects;
  flight.send.budget = options_.bodies;
  flight.may_store = options_.cache && uses_cache(flight.request, flight.options);
  if (flight.effect == Effect::none) {
    reads_.push_back(flight);
    if (table == Table::enter) enter_table(flight);
  }
  flight.task = flights_.spawn(fly(std::move(made)));
  return flight;
}

void Upstream::enter_table(Flight& flight) {
  // The key of an earlier one may be in the way: that flight goes on for those who have joined it.
  if (auto found = table_.find(flight.key); found != table_.end()) overtake(**found);
  table_.insert(&flight);
  flight.joinable = true;
}

void Upstream::leave_table(Flight& flight) {
  if (std::exchange(flight.joinable, false)) table_.erase(&flight);
}

// Something later says how things are now. What this one brings is for those who wait for it.
void Upstream::overtake(Flight& flight) {
  flight.may_store = false;
  flight.unlink();
  leave_table(flight);
}

void Upstream::admit(Flight& flight, const Clocks& own) const {
  flight.admit(own.total, own.client, deadline_after(now(), flight.policy().timeouts.queue));
}

// ---- attempt, store, fan out

Task<> Upstream::fly(std::unique_ptr<Flight> owned) {
  Flight& flight = *owned;
  if (flight.old) make_conditional(flight.request, *flight.old);
  retry_budget_.add_request(now());
  for (unsigned tries = 1;; ++tries) {
    Attempt tried;
    auto delay = hedge_delay(flight);
    if (delay) {
      co_await race(flight, tried, *delay);
    } else {
      co_await attempt(flight, tried);
    }
    keep(flight, tried);
    auto pause = tried.refused ? std::nullopt : pause_before_retry(flight, tries);
    if (!pause) break;
    flight.progress.phase = Phase::backoff;
    co_await sleep(session_.loop(), *pause);
    ++stats_.retries;
    flight.wait_again(now());
  }
  settle(flight);
  land(flight);
}

// What a later attempt was refused here says less than what an earlier one was answered.
void Upstream::keep(Flight& flight, Attempt& tried) {
  Outcome& outcome = flight.so_far;
  outcome.queue += tried.queue;
  outcome.upstream += tried.upstream;
  if (outcome.response && tried.refused) return;
  outcome.response = std::move(tried.response);
  auto& error = outcome.response->error;
  if (error) error->sent |= flight.progress.sent;
}

void Upstream::settle(Flight& flight) {
  bool caches = uses_cache(flight.request, flight.options);
  flight.so_far.source = caches ? Source::miss : Source::off;
  const Response& response = *flight.so_far.response;
  if (flight.effect != Effect::none) {
    if (may_have_acted(flight)) invalidate(flight);
  } else if (!response.error) {
    bool confirmed = flight.old && response.status == 304;
    confirmed ? renew(flight) : store(flight);
  }
}

void Upstream::renew(Flight& flight) {
  const Response& response = *flight.so_far.response;
  auto renewed = options_.cache->refresh(flight.key, *flight.old, response, flight.policy().cache,
                                         response.timings.total, std::time(nullptr), now());
  flight.so_far.response = renewed->response;
  flight.so_far.source = Source::revalidated;
  flight.so_far.age = renewed->age(now());
}

void Upstream::store(Flight& flight) {
  if (!flight.may_store) return;  // what is stored now, if anything, is newer
  Response& response = *flight.so_far.response;
  // A failure that may be kept for a while must not take the place of what stands in for it.
  if (is_failure(response) && is_good(flight.old, now())) return;
  Freshness freshness =
      freshness_of(response, flight.policy().cache, response.timings.total, std::time(nullptr));
  if (is_bad_payload(flight)) return;  // what stands in for failures stands in for this, too
  if (freshness.store) {
    if (flight.policy().json) response.compact();
    options_.cache->store(flight.key, flight.so_far.response, freshness, now(),
                          flight.policy().cache.max_object);
  } else if (!is_failure(response)) {
    options_.cache->erase(flight.key);  // what was stored is not the API's answer any more
  }
}

// RFC 9111 section 4.4. What is on its way may have been answered before this request acted: it is given to
// those who wait for it, but not kept.
void Upstream::invalidate(const Flight& flight) {
  if (options_.cache) options_.cache->invalidate(flight.key.resource());
  reads_.for_each([&](Flight& other) {
    if (other.key.resource() == flight.key.resource()) overtake(other);
  });
}

void Upstream::land(Flight& flight) {
  leave_table(flight);
  const Outcome& outcome = flight.so_far;
  if (flight.orphaned) {
    count(outcome);
    if (options_.on_orphan) options_.on_orphan(outcome);
  }
  bool shared = may_be_shared(*outcome.response, flight.policy().cache.mode);
  shared ? unshared_.forget(flight.key.hash) : unshared_.note(flight.key.hash, now());
  if (shared && flight.crowded() && flight.policy().json) outcome.response->compact();  // once for all
  flight.land(outcome, shared, is_failure(*outcome.response) || is_bad_payload(flight), now());
}

// ---- callers that leave

void Upstream::on_deserted(Flight& flight) {
  if (!flight.must_finish()) {
    if (flight.effect != Effect::none && may_have_acted(flight)) invalidate(flight);
    leave_table(flight);
    flights_.cancel(flight.task);
  } else if (flight.effect != Effect::none) {
    flight.orphaned = true;
    ++stats_.orphans;
    ++orphans_;
    settled_.clear();
  }
}

void Upstream::on_gone(Flight& flight) {
  leave_table(flight);
  if (flight.orphaned && --orphans_ == 0) settled_.set();
}

void Upstream::count(const Outcome& outcome) {
  if (outcome.source == Source::stale) ++stats_.stale;
  if (outcome.source == Source::revalidated) ++stats_.revalidated;
  if (outcome.source == Source::coalesced) ++stats_.coalesced;
  const auto& error = outcome.response->error;
  if (!error) return;
  ++stats_.failed;
  if (error->kind == ErrorKind::overloaded) ++stats_.refused;
  if (error->kind == ErrorKind::rate_limited) ++stats_.rate_limited;
  if (error->kind == ErrorKind::timeout) ++stats_.timeouts;
}

}  // namespace linegate
