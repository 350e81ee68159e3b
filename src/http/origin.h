// Origin: what all requests to one scheme, host and port share when they use the same TLS, proxy and encoding
// options: where to connect, and libcurl handles that are set up for it. Made by a Session, destroyed before
// it and after the tasks that use it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "http/request.h"
#include "http/resolver.h"
#include "http/url.h"

using CURLU = struct Curl_URL;

namespace linegate {

class Easy;
class Multi;

class Origin {
 public:
  static constexpr std::size_t kMaxIdleHandles = 64;

  // Throws std::invalid_argument for a proxy URL that cannot be understood.
  Origin(Multi& multi, Resolver& resolver, const Url& url, OriginOptions options);
  ~Origin();
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  const Url& url() const { return url_; }
  const OriginOptions& options() const { return options_; }
  Resolver& resolver() const { return resolver_; }

  // The host that a connection is made to, the proxy's if there is one. Empty: only libcurl can look it up.
  const std::string& connect_host() const { return connect_host_; }
  std::uint16_t connect_port() const { return connect_port_; }

  // A handle for one transfer, and back. One that met an error is not used again.
  std::unique_ptr<Easy> take();
  void give_back(std::unique_ptr<Easy> easy, bool reusable);

  CURLU* curl_url() const { return curl_url_; }
  // Whether libcurl needs whole URLs for request targets, as for a plain-HTTP proxy; and such a URL.
  bool absolute_targets() const { return absolute_target_; }
  std::string absolute_target(const std::string& target) const;
  // The proxy's URL with its host replaced by an address.
  std::string proxy_at(const std::string& address) const;

 private:
  void set_proxy();

  Multi& multi_;
  Resolver& resolver_;
  Url url_;
  OriginOptions options_;
  std::string connect_host_;
  std::uint16_t connect_port_ = 0;
  std::string proxy_before_;  // "socks5h://user:pw@", in front of the address
  bool absolute_target_ = false;
  CURLU* curl_url_ = nullptr;
  std::vector<std::unique_ptr<Easy>> idle_;
};

// "[2001:db8::1]" for IPv6, others as they are.
std::string bracketed(const std::string& address);

}  // namespace linegate
