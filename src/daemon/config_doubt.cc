// What is valid, but does less than it seems to say: one warning each. Keys that do nothing yet are
// config_effect.cc's.
#include <algorithm>
#include <string>

#include "base/printable.h"
#include "base/units.h"
#include "daemon/config_read.h"
#include "daemon/policy.h"

namespace linegate::daemon {
namespace {

const Node::Member* member(const Node* table, std::string_view key) {
  if (!table) return nullptr;
  auto found = std::find_if(table->members.begin(), table->members.end(),
                            [&](const Node::Member& candidate) { return candidate.key == key; });
  return found == table->members.end() ? nullptr : &*found;
}

// Where a stale window or its bound is written, they are compared.
void doubt_windows(Diagnostics& out, const Node& table, const CacheConfig& cache) {
  const Node* written = table.find("cache");
  const Node::Member* bound = member(written, "max_stale");
  auto compare = [&](const char* key, Duration window) {
    const Node::Member* own = member(written, key);
    if (window <= cache.max_stale || (!own && !bound)) return;
    out.warning((own ? own : bound)->at, std::string(key) + " is " + to_text(window) +
                                             ", of which max_stale allows " + to_text(cache.max_stale));
  };
  compare("stale_while_revalidate", cache.stale_while_revalidate);
  compare("stale_if_error", cache.stale_if_error);
}

// The cache asks for what has changed by itself; nobody else here could make use of a 304.
void doubt_conditions(Diagnostics& out, const Node& table, const CacheConfig& cache) {
  const Node* headers = table.find("headers");
  if (!headers || cache.mode == CacheMode::off) return;
  for (const Node::Member& header : headers->members) {
    if (!same_header(header.key, "If-None-Match") && !same_header(header.key, "If-Modified-Since")) continue;
    out.warning(header.at, '"' + printable(header.key) +
                               "\" is the cache's to send: a 304 to this one is answered as an error");
  }
}

class RouteDoubts {
 public:
  RouteDoubts(Diagnostics& out, const Node::Member& written, const RouteConfig& route)
      : out_(out), table_(written.value), at_(written.at), route_(route), effect_(effect_of(route)) {}

  void run() {
    if (effect_ != Effect::none) doubt_safety();
    if (effect_ == Effect::once && route_.policy.retry.attempts > 1)
      not_in_effect("retry", "a call is sent at most once; see idempotent and idempotency_key");
    doubt_key();
    doubt_ttl();
    doubt_windows(out_, table_, route_.policy.cache);
    if (effect_ == Effect::none) doubt_conditions(out_, table_, route_.policy.cache);
  }

 private:
  std::string path(std::string_view key) const { return "route." + route_.name + '.' + std::string(key); }

  void not_in_effect(std::string_view key, const std::string& why) {
    if (const Node::Member* own = member(&table_, key))
      out_.warning(own->at, path(key) + ": accepted, not in effect (" + why + ')');
  }

  // What is only for calls that may be answered or sent twice.
  void doubt_safety() {
    static const std::string kWhy = "its calls are not safe; see idempotent";
    not_in_effect("hedge", kWhy);
    const Node* coalesce = table_.find("coalesce");
    if (coalesce && coalesce->flag) not_in_effect("coalesce", kWhy);
    const Node* cache = table_.find("cache");
    auto stores = [](const Node::Member& key) { return key.key != "fresh"; };
    bool asks = cache && std::any_of(cache->members.begin(), cache->members.end(), stores);
    if (asks && route_.policy.cache.mode != CacheMode::off) not_in_effect("cache", kWhy);
  }

  void doubt_key() {
    RouteConfig without = route_;
    without.idempotency_key.clear();
    const Node::Member* key = member(&table_, "idempotency_key");
    if (route_.idempotency_key.empty() || !key || effect_of(without) != Effect::none) return;
    out_.warning(key->at, path("idempotency_key") +
                              ": these calls are safe without it, and with it neither cached nor shared");
  }

  void doubt_ttl() {
    const CacheConfig& cache = route_.policy.cache;
    const Node::Member* own = member(&table_, "cache");
    if (effect_ != Effect::none) return;
    if (cache.mode != CacheMode::override_ttl) {
      const Node::Member* ttl = member(own ? &own->value : nullptr, "ttl");
      if (ttl && cache.ttl > 0s)
        out_.warning(ttl->at,
                     path("cache.ttl") + ": accepted, not in effect (it is for mode = \"override\")");
      return;
    }
    bool keeps = cache.ttl > 0s || cache.stale_while_revalidate > 0s || cache.stale_if_error > 0s;
    if (!keeps)
      out_.warning(own ? own->at : at_,
                   path("cache") + ": mode \"override\" without a ttl: nothing is ever fresh");
  }

  Diagnostics& out_;
  const Node& table_;
  Position at_;
  const RouteConfig& route_;
  Effect effect_;
};

// Calls `doubt` with each member of the table `name` and the config of that name.
template <typename Entry, typename Doubt>
void each(const Node& root, const char* name, const std::vector<Entry>& entries, const Doubt& doubt) {
  const Node* table = root.find(name);
  if (!table) return;
  for (const Node::Member& written : table->members) {
    auto same = [&](const Entry& entry) { return entry.name == written.key; };
    auto found = std::find_if(entries.begin(), entries.end(), same);
    if (found != entries.end()) doubt(written, *found);
  }
}

}  // namespace

void warn_doubtful(Reading& reading, const Node& root) {
  Diagnostics& out = reading.out;
  if (const Node* defaults = root.find("defaults"))
    doubt_windows(out, *defaults, reading.config.defaults.cache);
  each(root, "upstream", reading.config.upstreams,
       [&](const Node::Member& written, const UpstreamConfig& upstream) {
         doubt_windows(out, written.value, upstream.policy.cache);
         doubt_conditions(out, written.value, upstream.policy.cache);
       });
  each(root, "route", reading.config.routes, [&](const Node::Member& written, const RouteConfig& route) {
    RouteDoubts(out, written, route).run();
  });
}

}  // namespace linegate::daemon
