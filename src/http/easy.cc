#include "http/easy.h"

#include <algorithm>
#include <cstddef>
#include <new>
#include <string_view>

#include "http/origin.h"
#include "http/transfer.h"

namespace linegate {
namespace {

Easy& from(void* data) {
  return *static_cast<Easy*>(data);
}

std::size_t on_body(char* bytes, std::size_t one, std::size_t n, void* data) {
  Transfer* transfer = from(data).transfer;
  return transfer && transfer->on_body(bytes, one * n) ? one * n : 0;  // a short count ends the transfer
}

std::size_t on_header(char* bytes, std::size_t one, std::size_t n, void* data) {
  Transfer* transfer = from(data).transfer;
  return transfer && transfer->on_header({bytes, one * n}) ? one * n : 0;
}

// Called before every sending of the request, those that libcurl would do again on its own included.
int on_request_start(void* data, char*, char*, int, int) {
  Transfer* transfer = from(data).transfer;
  return transfer && transfer->on_request_start() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

curl_socket_t on_open(void* data, curlsocktype, curl_sockaddr* address) {
  Easy& easy = from(data);
  return easy.multi.open_socket(*address, easy.watch_idle);
}

// Called when the connection is closed, perhaps long after the handle that opened it is gone.
int on_close(void* multi, curl_socket_t fd) {
  return static_cast<Multi*>(multi)->close_socket(fd);
}

bool carries_body(const Request& request) {
  if (request.method == "HEAD") return false;
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
         request.method == "PATCH";
}

bool has_scheme(std::string_view url, std::string_view scheme) {
  std::size_t end = url.find("://");
  return end != url.npos && same_name(url.substr(0, end), scheme);
}

// Which encodings are wanted is said by the request itself.
bool names_encoding(const Request& request) {
  if (request.fixed && request.fixed->names_encoding()) return true;
  return std::any_of(request.headers.begin(), request.headers.end(),
                     [](const auto& field) { return same_name(field.first, "Accept-Encoding"); });
}

// libcurl's own timers only catch what ours miss, so they run out later.
long later(Duration limit) {
  constexpr Duration kMore = 2s;
  if (limit > 8760h) return 0;  // none
  return static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(limit + kMore).count());
}

}  // namespace

Easy::Easy(Multi& owner, const Origin& origin)
    : multi(owner), watch_idle(!origin.options().http2), curl_(curl_easy_init()) {
  if (!curl_) throw std::bad_alloc();
  set_fixed_options(origin);
  set_tls(origin);
}

Easy::~Easy() {
  curl_easy_cleanup(curl_);
}

void Easy::set_fixed_options(const Origin& origin) {
  const OriginOptions& options = origin.options();
  auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl_, option, value); };
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_CURLU, origin.curl_url());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_PROXY, options.proxy.c_str());  // "" also keeps libcurl from asking the environment
  set(CURLOPT_NOPROXY, "");                   // nor for exceptions from it, at each transfer
  set(CURLOPT_ERRORBUFFER, error_.data());
  set(CURLOPT_MAXAGE_CONN,
      std::max(
          1L, static_cast<long>(std::chrono::duration_cast<std::chrono::seconds>(options.max_idle).count())));
  set(CURLOPT_HTTP_VERSION,
      static_cast<long>(options.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  set(CURLOPT_PIPEWAIT, options.http2 ? 1L : 0L);
  if (options.gzip) set(CURLOPT_ACCEPT_ENCODING, "gzip");
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_PREREQFUNCTION, &on_request_start);
  set(CURLOPT_PREREQDATA, this);
  set(CURLOPT_OPENSOCKETFUNCTION, &on_open);
  set(CURLOPT_OPENSOCKETDATA, this);
  set(CURLOPT_CLOSESOCKETFUNCTION, &on_close);
  set(CURLOPT_CLOSESOCKETDATA, &multi);
}

void Easy::set_tls(const Origin& origin) {
  auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl_, option, value); };
  const TlsOptions& tls = origin.options().tls;
  char* none = nullptr;
  // libcurl copies these names in each transfer, whether it is one with TLS or not.
  if (!has_scheme(origin.options().proxy, "https")) {
    set(CURLOPT_PROXY_CAINFO, none);
    set(CURLOPT_PROXY_CAPATH, none);
  }
  if (origin.url().scheme != "https") {
    set(CURLOPT_CAINFO, none);
    set(CURLOPT_CAPATH, none);
    return;
  }
  set(CURLOPT_SHARE, multi.share());
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
  if (!tls.ca_file.empty()) set(CURLOPT_CAINFO, tls.ca_file.c_str());
  if (!tls.client_cert.empty()) set(CURLOPT_SSLCERT, tls.client_cert.c_str());
  if (!tls.client_key.empty()) set(CURLOPT_SSLKEY, tls.client_key.c_str());
}

bool Easy::prepare(const Origin& origin, const Request& request, const SendOptions& options) {
  clear_error();
  bool ok = set_method(request) && set_headers(origin, request) && set_backstops(options) &&
            set_target(origin, request.target);
  if (ok && fresh_ != options.fresh_connection) {
    fresh_ = options.fresh_connection;
    ok = curl_easy_setopt(curl_, CURLOPT_FRESH_CONNECT, fresh_ ? 1L : 0L) == CURLE_OK;
  }
  return ok;
}

bool Easy::set_target(const Origin& origin, const std::string& target) {
  auto set = [&](const std::string& whole) {
    return curl_easy_setopt(curl_, CURLOPT_REQUEST_TARGET, whole.c_str()) == CURLE_OK;
  };
  return origin.absolute_targets() ? set(origin.absolute_target(target)) : set(target);
}

bool Easy::set_method(const Request& request) {
  bool body = carries_body(request);
  if (body) {
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (method_ == request.method && with_body_ == body) return true;
  if (with_body_ && !body) curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, nullptr);
  bool head = request.method == "HEAD";
  curl_easy_setopt(curl_, body ? CURLOPT_POST : head ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1L);
  bool usual = head || request.method == (body ? "POST" : "GET");
  method_ = request.method;
  with_body_ = body;
  return curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, usual ? nullptr : method_.c_str()) == CURLE_OK;
}

bool Easy::set_headers(const Origin& origin, const Request& request) {
  static const HeaderList none;
  curl_slist* head = (request.fixed ? request.fixed : &none)->list(with_body_);
  // Given so, libcurl passes it on; what CURLOPT_ACCEPT_ENCODING adds it formats twice in each transfer.
  if (origin.options().gzip && !names_encoding(request)) {
    encoding_ = {const_cast<char*>("Accept-Encoding: gzip"), head};
    head = &encoding_;
  }
  lines_.clear();
  for (const auto& [name, value] : request.headers) lines_.push_back(header_line(name, value));
  nodes_.clear();
  nodes_.reserve(lines_.size());
  for (std::string& line : lines_) {
    nodes_.push_back({line.data(), head});
    head = &nodes_.back();
  }
  return curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, head) == CURLE_OK;
}

// A total that others may move later while the request is under way can have none.
bool Easy::set_backstops(const SendOptions& options) {
  long total = options.progress ? 0 : later(options.clocks.total.limit);
  long connect = later(options.clocks.connect);
  if (total != total_ms_ && curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, total) != CURLE_OK) return false;
  if (connect != connect_ms_ && curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, connect) != CURLE_OK)
    return false;
  total_ms_ = total;
  connect_ms_ = connect;
  return true;
}

bool Easy::set_address(const Origin& origin, const std::string& address) {
  if (address == address_) return true;
  address_ = address;
  if (!origin.options().proxy.empty()) {
    return curl_easy_setopt(curl_, CURLOPT_PROXY, origin.proxy_at(address).c_str()) == CURLE_OK;
  }
  // Not for an address in the URL itself: libcurl takes it apart in each transfer.
  if (address == origin.connect_host()) return true;
  // URL, Host, SNI and certificate checks stay on the name; connections are pooled per address.
  connect_to_text_ = "::" + bracketed(address) + ":" + std::to_string(origin.connect_port());
  connect_to_ = {connect_to_text_.data(), nullptr};
  return curl_easy_setopt(curl_, CURLOPT_CONNECT_TO, &connect_to_) == CURLE_OK;
}

}  // namespace linegate
