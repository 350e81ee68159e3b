// Reads what defaults, an upstream and a route have in common: timeout, retry, breaker, cache, coalesce; and
// rates.
#include <algorithm>
#include <cmath>
#include <string>

#include "daemon/config_read.h"

namespace linegate::daemon {
namespace {

const Keys<TimeoutConfig>& timeout_keys() {
  static const Keys<TimeoutConfig> keys{
      duration_key("queue", &TimeoutConfig::queue, 0s, 1h),
      duration_key("connect", &TimeoutConfig::connect, 1ms, 1h),
      duration_key("first_byte", &TimeoutConfig::first_byte, 1ms, 1h),
      duration_key("total", &TimeoutConfig::total, 1ms, 1h),
  };
  return keys;
}

// "429" and the like; nullopt unless it is a status between `min` and 599.
std::optional<int> status(std::string_view text, int min) {
  bool digits =
      text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return std::nullopt;
  int value = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  return value >= min && value <= 599 ? std::optional(value) : std::nullopt;
}

void read_retry_on(Diagnostics& out, const Node& node, RetryConfig& retry) {
  auto words = read_texts(out, "on", node);
  if (!words) return;
  retry.on_connect = retry.on_reset = retry.on_timeout = false;
  retry.on_status.clear();
  for (std::size_t i = 0; i < words->size(); ++i) {
    const std::string& word = (*words)[i];
    if (word == "connect") {
      retry.on_connect = true;
    } else if (word == "reset") {
      retry.on_reset = true;
    } else if (word == "timeout") {
      retry.on_timeout = true;
    } else if (auto code = status(word, 400)) {
      retry.on_status.push_back(*code);
    } else {
      out.error(node.elements[i].at,
                "on must hold \"connect\", \"reset\", \"timeout\" or a status from \"400\" to \"599\"");
    }
  }
}

const Keys<RetryConfig>& retry_keys() {
  static const Keys<RetryConfig> keys{
      count_key("attempts", &RetryConfig::attempts, 1, 10),
      {"on", read_retry_on},
      section_key<RetryConfig>("backoff", {duration_key("base", &RetryConfig::backoff_base, 0s, 1h),
                                           duration_key("max", &RetryConfig::backoff_max, 0s, 1h)}),
      section_key<RetryConfig>("budget",
                               {real_key("ratio", &RetryConfig::budget_ratio, 0, 10),
                                real_key("min_per_second", &RetryConfig::budget_min_per_second, 0, 1e6)}),
      duration_key("gate_max", &RetryConfig::gate_max, 0s, 24h),
  };
  return keys;
}

const Keys<BreakerConfig>& breaker_keys() {
  static const Keys<BreakerConfig> keys{
      flag_key("enabled", &BreakerConfig::enabled),
      count_key("consecutive", &BreakerConfig::consecutive, 1, kMany),
      duration_key("window", &BreakerConfig::window, 1s, 1h),
      count_key("min_requests", &BreakerConfig::min_requests, 1, kMany),
      real_key("failure_ratio", &BreakerConfig::failure_ratio, 0, 1),
      duration_key("open_for", &BreakerConfig::open_for, 1ms, 24h),
      count_key("half_open", &BreakerConfig::half_open, 1, 1000),
  };
  return keys;
}

void read_negative(Diagnostics& out, const Node& node, CacheConfig& cache) {
  if (!expect_table(out, "negative", node)) return;
  cache.negative.clear();
  for (const Node::Member& member : node.members) {
    auto code = status(member.key, 300);
    if (!code) out.error(member.at, "negative must be keyed by a status from \"300\" to \"599\"");
    auto ttl = read_duration(out, "negative", member.value, 0s, kLongTime);
    if (code && ttl) cache.negative[*code] = *ttl;
  }
}

void read_fresh(Diagnostics& out, const Node& node, CacheConfig& cache) {
  if (node.kind == Node::Kind::boolean) {
    cache.fresh = node.flag;
    cache.fresh_min_age = 0s;
  } else if (!node.is_string()) {
    out.error(node.at, "fresh must be true, false or a duration such as \"1s\"");
  } else if (auto age = read_duration(out, "fresh", node, 0s, kLongTime)) {
    cache.fresh = true;
    cache.fresh_min_age = *age;
  }
}

const Keys<CacheConfig>& cache_keys() {
  static const Keys<CacheConfig> keys{
      choice_key("mode", &CacheConfig::mode, {"off", "rfc9111", "override"}),
      duration_key("ttl", &CacheConfig::ttl, 0s, kLongTime),
      size_key("max_object", &CacheConfig::max_object, 1, kManyBytes),
      duration_key("stale_while_revalidate", &CacheConfig::stale_while_revalidate, 0s, kLongTime),
      duration_key("stale_if_error", &CacheConfig::stale_if_error, 0s, kLongTime),
      duration_key("max_stale", &CacheConfig::max_stale, 0s, kLongTime),
      {"negative", read_negative},
      {"fresh", read_fresh},
  };
  return keys;
}

const Keys<RateConfig>& rate_keys() {
  static const Keys<RateConfig> keys{
      real_key("per_second", &RateConfig::per_second, 0.001, 1e6),
      count_key("burst", &RateConfig::burst, 1, 1'000'000),
  };
  return keys;
}

}  // namespace

const Keys<PolicyConfig>& policy_keys() {
  static const Keys<PolicyConfig> keys{
      table_key("timeout", &PolicyConfig::timeout, timeout_keys()),
      table_key("retry", &PolicyConfig::retry, retry_keys()),
      table_key("breaker", &PolicyConfig::breaker, breaker_keys()),
      table_key("cache", &PolicyConfig::cache, cache_keys()),
      flag_key("coalesce", &PolicyConfig::coalesce),
  };
  return keys;
}

void read_rate(Diagnostics& out, const Node& node, std::optional<RateConfig>& rate) {
  RateConfig& read = rate.emplace();
  read_table(out, "rate", node, rate_keys(), read);
  if (node.is_table() && !node.find("per_second")) out.error(node.at, "rate needs per_second");
  if (read.burst == 0) read.burst = static_cast<std::uint64_t>(std::max(1.0, std::ceil(read.per_second)));
}

}  // namespace linegate::daemon
