#include "daemon/policy.h"

namespace linegate::daemon {
namespace {

OriginOptions origin_options(const UpstreamConfig& config) {
  OriginOptions options;
  options.http2 = config.http == HttpVersion::http2;
  options.gzip = config.gzip;
  options.proxy = config.proxy;
  options.max_idle = config.max_idle;
  options.dns_refresh = config.dns_refresh;
  options.tls = {config.tls.ca_file, config.tls.client_cert, config.tls.client_key, config.tls.verify};
  return options;
}

RetryOptions retry_options(const RetryConfig& config) {
  RetryOptions options;
  options.attempts = config.attempts;
  options.on_connect = config.on_connect;
  options.on_reset = config.on_reset;
  options.on_timeout = config.on_timeout;
  options.on_status = config.on_status;
  options.backoff_base = config.backoff_base;
  options.backoff_max = config.backoff_max;
  return options;
}

CachePolicy cache_policy(const CacheConfig& config) {
  CachePolicy policy;
  policy.mode = config.mode;
  policy.ttl = config.ttl;
  policy.max_object = config.max_object;
  policy.stale_while_revalidate = config.stale_while_revalidate;
  policy.stale_if_error = config.stale_if_error;
  policy.max_stale = config.max_stale;
  policy.negative = config.negative;
  return policy;
}

}  // namespace

UpstreamOptions upstream_options(const UpstreamConfig& config) {
  UpstreamOptions options;
  options.name = config.name;
  options.base_url = config.base_url.prefix;
  options.gate = {config.max_in_flight, config.max_queue};
  options.max_body = config.max_body;
  options.redirects = {static_cast<unsigned>(config.redirects.max), config.redirects.same_host};
  options.origin = origin_options(config);
  if (config.rate) {
    options.pace.per_second = config.rate->per_second;
    options.pace.burst = static_cast<double>(config.rate->burst);
  }
  options.pace.gate_max = config.policy.retry.gate_max;
  options.pace.learn = config.quota == Quota::learn;
  options.breaker = config.policy.breaker;
  options.retry_ratio = config.policy.retry.budget_ratio;
  options.retry_min_per_second = config.policy.retry.budget_min_per_second;
  return options;
}

CallPolicy call_policy(const RouteConfig& config) {
  const TimeoutConfig& timeout = config.policy.timeout;
  CallPolicy policy;
  policy.timeouts = {timeout.queue, timeout.connect, timeout.first_byte, timeout.total};
  policy.retry = retry_options(config.policy.retry);
  policy.cache = cache_policy(config.policy.cache);
  policy.coalesce = config.policy.coalesce;
  if (config.hedge) policy.hedge = HedgeOptions{config.hedge->p95, config.hedge->after, config.hedge->budget};
  policy.json = config.response == ResponseKind::json;
  return policy;
}

Effect effect_of(const RouteConfig& config) {
  if (!config.idempotency_key.empty()) return Effect::keyed;
  if (config.says_idempotent) return config.idempotent ? Effect::none : Effect::once;
  Request request;
  request.method = config.method;
  return linegate::effect_of(request);
}

}  // namespace linegate::daemon
