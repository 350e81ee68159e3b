// linegate.toml as a value: every key, parsed, validated and cascaded (defaults -> upstream -> route).
// Immutable once made; shared by pointer. What is not written in the file has its built-in default here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "daemon/config_address.h"
#include "daemon/diagnostic.h"
#include "daemon/parameter.h"
#include "daemon/secret.h"
#include "daemon/template.h"
#include "net/address.h"
#include "upstream/breaker.h"
#include "upstream/freshness.h"

namespace linegate::daemon {

// Sizes are bytes.
inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;

struct ServerTlsConfig {
  std::string cert;
  std::string key;
  std::string client_ca;  // empty = no client certificates
};

struct ServerConfig {
  std::vector<ListenAddress> listen;  // never empty after loading; default 127.0.0.1:15555
  std::vector<Network> allow_from;    // empty = everybody
  bool allow_unauthenticated = false;
  bool expose = false;
  std::uint64_t workers = 1;  // 0 = one per core
  std::uint64_t backlog = 4096;
  unsigned unix_mode = 0660;
  std::uint64_t max_connections = 10'000;
  std::uint64_t max_connections_per_ip = 1'000;
  std::uint64_t max_in_flight = 64;
  std::uint64_t max_line = 64 * kKiB;
  std::uint64_t max_reply = 4 * kMiB;
  std::uint64_t max_batch = 100;
  std::uint64_t max_unsent = 256 * kKiB;
  std::uint64_t max_buffered = 256 * kMiB;
  std::uint64_t max_protocol_errors = 10;
  Duration idle_timeout = 600s;
  Duration partial_line_timeout = 60s;
  Duration write_timeout = 20s;
  Duration drain_timeout = 8s;
  bool watch_config = false;
  std::optional<ServerTlsConfig> tls;
};

enum class LogLevel { trace, debug, info, warn, error };
enum class LogFormat { text, json };
enum class AccessLog { off, errors, all };

struct LogConfig {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  AccessLog access = AccessLog::errors;
};

struct AdminConfig {
  ListenAddress listen;
};

struct RateConfig {
  double per_second = 0;
  std::uint64_t burst = 0;  // default: per_second, rounded up
};

struct ClientConfig {
  std::string name;
  std::string token;                // resolved; in Config::secrets
  std::vector<std::string> routes;  // "*" = all
  std::optional<RateConfig> rate;
};

struct TimeoutConfig {
  Duration queue = 250ms;
  Duration connect = 1s;
  Duration first_byte = 2s;
  Duration total = 3s;
};

struct RetryConfig {
  std::uint64_t attempts = 2;
  bool on_connect = true;
  bool on_reset = true;
  bool on_timeout = true;
  std::vector<int> on_status{429, 502, 503, 504};
  Duration backoff_base = 50ms;
  Duration backoff_max = 1s;
  double budget_ratio = 0.2;
  double budget_min_per_second = 3;
  Duration gate_max = 60s;
};

using BreakerConfig = BreakerOptions;

struct CacheConfig {
  CacheMode mode = CacheMode::rfc9111;
  Duration ttl = 0s;
  std::uint64_t max_object = 1 * kMiB;
  Duration stale_while_revalidate = 0s;
  Duration stale_if_error = 0s;
  Duration max_stale = 1h;
  std::map<int, Duration> negative;  // by status
  bool fresh = true;                 // clients may send @fresh
  Duration fresh_min_age = 0s;       // an entry younger than this is used all the same
};

// What defaults, an upstream and a route each may override.
struct PolicyConfig {
  TimeoutConfig timeout;
  RetryConfig retry;
  BreakerConfig breaker;
  CacheConfig cache;
  bool coalesce = true;
};

enum class HttpVersion { http1, http2 };
enum class Quota { off, learn };

struct RedirectConfig {
  std::uint64_t max = 0;
  bool same_host = true;
};

struct UpstreamTlsConfig {
  std::string ca_file;
  std::string client_cert;
  std::string client_key;
  bool verify = true;
};

struct UpstreamConfig {
  std::string name;
  BaseUrl base_url;
  HttpVersion http = HttpVersion::http1;
  bool http2_force = false;
  std::vector<Field> headers;  // no parameters in them; sent with every request
  std::vector<Field> query;    // likewise
  std::uint64_t max_in_flight = 64;
  std::uint64_t max_queue = 256;
  std::uint64_t max_body = 2 * kMiB;
  Duration max_idle = 60s;
  Duration dns_refresh = 30s;
  bool gzip = true;
  std::string proxy;  // empty = none, whatever the environment says
  std::optional<RateConfig> rate;
  Quota quota = Quota::off;
  RedirectConfig redirects;
  UpstreamTlsConfig tls;
  PolicyConfig policy;  // defaults with this upstream's keys over them
};

enum class ResponseKind { json, text };

struct HedgeConfig {
  bool p95 = true;  // after the 95th percentile, else after `after`
  Duration after = 0s;
  double budget = 0.05;
};

struct RouteConfig {
  std::string name;
  std::string help;
  std::size_t upstream = 0;  // index into Config::upstreams
  std::string method = "GET";
  // Default: what RFC 9110 section 9.2.2 says of the method (GET, HEAD, OPTIONS, PUT, DELETE are; POST, PATCH
  // not).
  bool idempotent = true;
  bool own_breaker = false;      // the file gives it a breaker table
  bool says_idempotent = false;  // the file does: true makes it count as safe, whatever the method
  std::vector<Parameter> params;
  Template path;
  std::vector<Field> query;
  std::vector<Field> headers;
  std::optional<JsonTemplate> json;  // at most one of json and form
  std::optional<std::vector<Field>> form;
  std::vector<std::string> reply_headers;
  ResponseKind response = ResponseKind::json;
  std::optional<HedgeConfig> hedge;
  std::string idempotency_key;  // header name; empty = none
  PolicyConfig policy;          // the upstream's with this route's keys over them
};

struct Config {
  ServerConfig server;
  LogConfig log;
  std::optional<AdminConfig> admin;
  std::vector<ClientConfig> clients;
  std::uint64_t cache_max_bytes = 64 * kMiB;
  PolicyConfig defaults;
  std::vector<UpstreamConfig> upstreams;  // in file order
  std::vector<RouteConfig> routes;        // in file order
  SecretSet secrets;  // every secret that the config refers to, for masking in foreign bytes
};

struct LoadedConfig {
  std::shared_ptr<const Config> config;  // null if there was an error
  std::vector<Diagnostic> diagnostics;   // by place in the file; warnings may be there without an error
};

struct LoadOptions {
  // LIBCURL_VERSION_NUM of the library at run time (curl_version_info()->version_num): http = "2"
  // needs 8.10.0.
  unsigned libcurl_version = 0;
};

LoadedConfig load_config(const std::string& path, const LoadOptions& options = {});
// `filename` is only for the diagnostics.
LoadedConfig parse_config(std::string_view text, const std::string& filename,
                          const LoadOptions& options = {});

// A config without a file.
struct ConfigFlags {
  std::vector<std::string> listen;  // --listen, as in server.listen; empty = its default
  std::string upstream;             // --upstream URL, an upstream of the name "default"
  // --route 'NAME=/path/{param}?key={param}': a GET; each placeholder is a required string, in order of
  // appearance.
  std::vector<std::string> routes;
  // Set by the command line for the demo and the container: see server.allow_unauthenticated.
  bool allow_unauthenticated = false;
};
LoadedConfig config_from_flags(const ConfigFlags& flags, const LoadOptions& options = {});

}  // namespace linegate::daemon
