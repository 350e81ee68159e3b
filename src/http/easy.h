// One recycled libcurl handle with what it points to. Made for an origin: options that never change are set
// once, and each request sets only what differs from the one before. Not part of the library's interface.
#pragma once

#include <curl/curl.h>

#include <array>
#include <string>
#include <vector>

#include "http/multi.h"
#include "http/request.h"

namespace linegate {

class Origin;
class Transfer;

class Easy {
 public:
  // Throws std::bad_alloc.
  Easy(Multi& multi, const Origin& origin);
  ~Easy();
  Easy(const Easy&) = delete;
  Easy& operator=(const Easy&) = delete;

  // `request` must stay as it is until the transfer is over: libcurl does not copy the body. False: out of
  // memory, or an option that this libcurl does not have.
  bool prepare(const Origin& origin, const Request& request, const SendOptions& options);
  // Where to connect; empty = libcurl looks the name up.
  bool set_address(const Origin& origin, const std::string& address);

  CURL* curl() const { return curl_; }
  const char* error_text() const { return error_.data(); }
  void clear_error() { error_[0] = '\0'; }

  Transfer* transfer = nullptr;  // that uses it now
  Multi& multi;
  Multi::Pool* pool = nullptr;  // that runs it, or ran it last
  const bool watch_idle;

 private:
  void set_fixed_options(const Origin& origin);
  void set_tls(const Origin& origin);
  bool set_target(const Origin& origin, const std::string& target);
  bool set_method(const Request& request);
  bool set_headers(const Origin& origin, const Request& request);
  bool set_backstops(const SendOptions& options);

  CURL* curl_;
  std::string method_ = "GET";  // as set last
  bool with_body_ = false;
  bool fresh_ = false;
  long total_ms_ = 0;
  long connect_ms_ = 0;
  std::string address_;             // as set last
  std::string connect_to_text_;     // "::ADDR:PORT"
  curl_slist connect_to_{};         // points to it
  curl_slist encoding_{};           // "Accept-Encoding: gzip"
  std::vector<std::string> lines_;  // of the request's own headers
  std::vector<curl_slist> nodes_;   // point to them
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace linegate
