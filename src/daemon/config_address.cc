// See config_address.h. Hosts, ports and listen addresses; base URLs are in config_base_url.cc.
#include "daemon/config_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

namespace linegate::daemon {
namespace {

bool is_name_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
         c == '_';
}

// fe80::1%eth0 is one too.
bool is_ipv6(std::string_view host) {
  in6_addr ignored;
  return inet_pton(AF_INET6, std::string(host.substr(0, host.find('%'))).c_str(), &ignored) == 1;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

bool is_host(std::string_view host) {
  return is_ipv6(host) || (!host.empty() && std::all_of(host.begin(), host.end(), is_name_byte));
}

std::optional<HostPort> split_host_port(std::string_view text) {
  HostPort split;
  bool bracketed = text.starts_with('[');
  std::size_t end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && end == std::string_view::npos) return std::nullopt;
  split.host = text.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end);
  if (bracketed && !is_ipv6(split.host)) return std::nullopt;
  std::string_view rest = end == std::string_view::npos ? "" : text.substr(end + (bracketed ? 1 : 0));
  if (rest.empty()) return split;
  split.port = rest[0] == ':' ? parse_port(rest.substr(1)) : std::nullopt;
  return split.port ? std::optional(split) : std::nullopt;
}

std::optional<ListenAddress> parse_listen(std::string_view text) {
  auto endpoint = parse_endpoint(text);
  if (!endpoint || text.find('\0') != std::string_view::npos) return std::nullopt;
  bool good =
      endpoint->is_unix() ? endpoint->path[0] == '/' : endpoint->host.empty() || is_host(endpoint->host);
  if (!good) return std::nullopt;
  ListenAddress address;
  static_cast<Endpoint&>(address) = *std::move(endpoint);
  address.text = text;
  return address;
}

}  // namespace linegate::daemon
