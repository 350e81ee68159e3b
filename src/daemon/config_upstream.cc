// Reads [upstream.NAME].
#include <unistd.h>

#include <algorithm>

#include "base/printable.h"
#include "daemon/config_read.h"

namespace linegate::daemon {
namespace {

constexpr unsigned kHttp2Works = 0x080a00;  // libcurl 8.10.0

void read_max_idle(Diagnostics& out, const Node& node, UpstreamConfig& upstream) {
  auto value = read_duration(out, "max_idle", node, 1s, kLongTime);
  if (!value) return;
  if (*value % 1s != 0s) return out.error(node.at, "max_idle must be whole seconds");
  upstream.max_idle = *value;
}

// "http://10.0.0.1:3128", also https, socks5, socks5h, with "user:password@".
void read_proxy(Diagnostics& out, const Node& node, UpstreamConfig& upstream) {
  static constexpr std::string_view kSchemes[] = {"http://", "https://", "socks5://", "socks5h://"};
  auto text = read_text(out, "proxy", node);
  if (!text) return;
  auto begins = [&](std::string_view scheme) {
    return text->starts_with(scheme) && text->size() > scheme.size();
  };
  bool known = std::any_of(std::begin(kSchemes), std::end(kSchemes), begins);
  bool plain = std::all_of(text->begin(), text->end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (text->find("${") != text->npos) return out.error(node.at, "proxy cannot refer to a secret");
  if (!text->empty() && (!known || !plain)) {
    return out.error(
        node.at, "proxy must be empty or a URL that begins with http://, https://, socks5:// or socks5h://");
  }
  upstream.proxy = *std::move(text);
}

void check_readable(Diagnostics& out, const Node& table, const char* key, const std::string& path) {
  if (path.empty() || access(path.c_str(), R_OK) == 0) return;
  out.error(table.find(key)->at, std::string(key) + " \"" + printable(path, 200) + "\" cannot be read");
}

void read_tls(Diagnostics& out, const Node& node, UpstreamConfig& upstream) {
  using T = UpstreamTlsConfig;
  static const Keys<T> keys{
      text_key("ca_file", &T::ca_file),
      text_key("client_cert", &T::client_cert),
      text_key("client_key", &T::client_key),
      flag_key("verify", &T::verify),
  };
  T& tls = upstream.tls;
  read_table(out, "tls", node, keys, tls);
  if (!node.is_table()) return;
  check_readable(out, node, "ca_file", tls.ca_file);
  check_readable(out, node, "client_cert", tls.client_cert);
  check_readable(out, node, "client_key", tls.client_key);
  if (!tls.client_key.empty() && tls.client_cert.empty()) out.error(node.at, "client_key needs client_cert");
  if (!tls.verify)
    out.warning(node.find("verify")->at, "verify = false: anybody on the way can pose as this upstream");
}

Keys<UpstreamConfig> make_keys() {
  using U = UpstreamConfig;
  Keys<U> keys{
      later<U>("base_url"),
      choice_key("http", &U::http, {"1.1", "2"}),
      flag_key("http2_force", &U::http2_force),
      later<U>("headers"),
      later<U>("query"),
      count_key("max_in_flight", &U::max_in_flight, 1, 10'000),
      count_key("max_queue", &U::max_queue, 0, kMany),
      size_key("max_body", &U::max_body, 1, 1024 * kMiB),
      {"max_idle", read_max_idle},
      duration_key("dns_refresh", &U::dns_refresh, 1s, 24h),
      flag_key("gzip", &U::gzip),
      {"proxy", read_proxy},
      {"rate", [](Diagnostics& out, const Node& node, U& upstream) { read_rate(out, node, upstream.rate); }},
      choice_key("quota", &U::quota, {"off", "learn"}),
      table_key("redirects", &U::redirects,
                Keys<RedirectConfig>{count_key("max", &RedirectConfig::max, 0, 20),
                                     flag_key("same_host", &RedirectConfig::same_host)}),
      {"tls", read_tls},
  };
  add_keys_within(keys, &U::policy, policy_keys());
  return keys;
}

void read_base_url(Reading& reading, const Node& table, UpstreamConfig& upstream) {
  const Node* node = table.find("base_url");
  if (!node) return reading.out.error(table.at, "[upstream." + printable(upstream.name) + "] needs base_url");
  auto text = read_text(reading.out, "base_url", *node);
  if (!text) return;
  upstream.base_url = parse_base_url(*text, reading.secrets);
  if (!upstream.base_url.error.empty())
    return reading.out.error(node->at, "base_url " + upstream.base_url.error);
  if (!upstream.base_url.authorization.bytes.empty() && !upstream.base_url.https) {
    reading.out.warning(node->at, "a secret is sent over http://, where anybody on the way can read it");
  }
}

std::string version_text(unsigned version) {
  return std::to_string(version >> 16) + '.' + std::to_string(version >> 8 & 255) + '.' +
         std::to_string(version & 255);
}

void check_http2(Reading& reading, const Node& table, const UpstreamConfig& upstream) {
  if (upstream.http != HttpVersion::http2) return;
  Position at = table.find("http")->at;
  if (!upstream.base_url.https) return reading.out.error(at, "http = \"2\" needs an https:// base_url");
  unsigned version = reading.options.libcurl_version;
  if (version >= kHttp2Works || upstream.http2_force) return;
  reading.out.error(at,
                    "http = \"2\" needs libcurl 8.10 or later, because older ones report cut-off answers as "
                    "whole; this is " +
                        version_text(version) + "; http2_force = true overrides");
}

void check_authorization(Reading& reading, const Node& table, const UpstreamConfig& upstream) {
  auto same = [](const Field& field) { return same_header(field.name, "Authorization"); };
  bool both = !upstream.base_url.authorization.bytes.empty() &&
              std::any_of(upstream.headers.begin(), upstream.headers.end(), same);
  if (both)
    reading.out.error(table.find("headers")->at, "Authorization stands here and in base_url's user-info");
}

}  // namespace

void read_upstream(Reading& reading, const Node::Member& member) {
  static const Keys<UpstreamConfig> keys = make_keys();
  UpstreamConfig& upstream = reading.config.upstreams.emplace_back();
  upstream.name = member.key;
  upstream.policy = reading.config.defaults;
  const Node& table = member.value;
  if (!is_entry_name(member.key))
    reading.out.error(member.at, '"' + printable(member.key) + "\" is no name for an upstream");
  read_table(reading.out, "[upstream." + printable(member.key) + ']', table, keys, upstream);
  if (!table.is_table()) return;
  read_base_url(reading, table, upstream);
  static const std::vector<Parameter> kNone;
  TemplateReader templates(reading, kNone, !upstream.base_url.https);
  if (const Node* headers = table.find("headers")) upstream.headers = templates.headers(*headers);
  if (const Node* query = table.find("query"))
    upstream.query = templates.fields("query", *query, Place::query);
  check_http2(reading, table, upstream);
  check_authorization(reading, table, upstream);
}

}  // namespace linegate::daemon
