#include "http/origin.h"

#include <curl/curl.h>

#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "http/easy.h"

namespace linegate {
namespace {

constexpr std::uint16_t kProxyPort = 1080;  // libcurl's default

// "host:8080", "[::1]:8080", with or without user-info and path.
bool has_port(std::string_view authority) {
  authority = authority.substr(0, authority.find('/'));
  std::size_t user_end = authority.rfind('@');
  if (user_end != authority.npos) authority.remove_prefix(user_end + 1);
  std::size_t colon = authority.rfind(':');
  return colon != authority.npos && authority.find(']', colon) == authority.npos;
}

}  // namespace

Origin::Origin(Multi& multi, Resolver& resolver, const Url& url, OriginOptions options)
    : multi_(multi), resolver_(resolver), url_(url), options_(std::move(options)) {
  connect_host_ = url_.host;
  connect_port_ = url_.port;
  if (!options_.proxy.empty()) set_proxy();
  curl_url_ = ::curl_url();
  if (!curl_url_) throw std::bad_alloc();
  curl_url_set(curl_url_, CURLUPART_URL, (url_.origin + "/").c_str(), 0);
}

Origin::~Origin() {
  idle_.clear();
  curl_url_cleanup(curl_url_);
}

void Origin::set_proxy() {
  std::size_t end = options_.proxy.find("://");
  bool has_scheme = end != std::string::npos;
  std::string scheme = has_scheme ? options_.proxy.substr(0, end) : "http";
  std::string rest = has_scheme ? options_.proxy.substr(end + 3) : options_.proxy;
  bool named = scheme == "https";  // its certificate is checked against its name
  bool socks = scheme.starts_with("socks");
  auto proxy = parse_url("http://" + rest);  // only the scheme differs from a URL that it knows
  if (!proxy || (!named && !socks && scheme != "http")) {
    throw std::invalid_argument("the proxy is not a URL of http, https or socks");
  }
  absolute_target_ = !socks && url_.scheme == "http";
  connect_host_ = named ? "" : proxy->host;
  connect_port_ = has_port(rest) ? proxy->port : kProxyPort;
  std::size_t user_end = rest.rfind('@');
  proxy_before_ = scheme + "://" + (user_end == std::string::npos ? "" : rest.substr(0, user_end + 1));
}

std::unique_ptr<Easy> Origin::take() {
  if (idle_.empty()) return std::make_unique<Easy>(multi_, *this);
  auto easy = std::move(idle_.back());
  idle_.pop_back();
  return easy;
}

void Origin::give_back(std::unique_ptr<Easy> easy, bool reusable) {
  if (reusable && idle_.size() < kMaxIdleHandles) idle_.push_back(std::move(easy));
}

std::string Origin::absolute_target(const std::string& target) const {
  return url_.scheme + "://" + url_.host + ":" + std::to_string(url_.port) + target;
}

std::string Origin::proxy_at(const std::string& address) const {
  return proxy_before_ + bracketed(address) + ":" + std::to_string(connect_port_);
}

std::string bracketed(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

}  // namespace linegate
