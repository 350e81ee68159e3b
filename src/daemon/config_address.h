// Addresses in the config: where to listen, where an API is. Syntax only; nothing is looked up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/secret.h"
#include "net/address.h"

namespace linegate::daemon {

// A host name, an IPv4 or an IPv6 address (without brackets): ASCII letters, digits, "-", "_", "." or
// inet_pton's.
bool is_host(std::string_view host);

// "host:port", "[::1]:port", ":port", "host". Hosts are not checked, but what stands in brackets is.
struct HostPort {
  std::string_view host;
  std::optional<std::uint16_t> port;
};
std::optional<HostPort> split_host_port(std::string_view text);

// "127.0.0.1:15555", "localhost:0", "[::1]:15555", ":15555" (all interfaces), "unix:/path".
struct ListenAddress : Endpoint {
  std::string text;  // as written

  bool is_local() const { return is_loopback(); }  // only this machine can connect
};
// Stricter than parse_endpoint(): the host is one, and a Unix socket's path is absolute.
std::optional<ListenAddress> parse_listen(std::string_view text);

// An upstream's base_url, taken apart. Its user-info is not part of `prefix`: it is sent as `Authorization:
// Basic ...`, so that no URL ever holds a secret of it.
struct BaseUrl {
  bool https = false;
  std::string host;        // IPv6 without brackets
  std::uint16_t port = 0;  // the scheme's default filled in
  std::string prefix;      // "https://api.example:8443/v1": no trailing "/", a route's path is appended
  Rendered authorization;  // value of the Authorization header, secret; empty = no user-info
  std::string error;       // not empty = refused, and why
};
// `${env:}` and `${file:}` may stand in the user-info; values found are appended to `secrets`.
BaseUrl parse_base_url(std::string_view text, std::vector<std::string>& secrets);

}  // namespace linegate::daemon
