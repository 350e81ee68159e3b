// What the demo's REST API answers. Pure: requests in, answers out; knows neither HTTP's bytes nor time.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace linegate::daemon {

struct DemoRequest {
  std::string method = "GET";
  std::string path;  // decoded
  std::map<std::string, std::string, std::less<>> query;
  std::string body;
};

struct DemoAnswer {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  Duration delay{};  // to wait before it is sent
};

class DemoAnswers {
 public:
  static constexpr std::size_t kMaxBody = 64 * 1024;  // of a request

  // `url` is the API's own, for the links in its answers.
  explicit DemoAnswers(std::string url) : url_(std::move(url)) {}

  //   GET  /weather/CITY?units=imperial   some cities; 404 for others
  //   GET  /slow?ms=1500                  after that long
  //   GET  /failing                       500
  //   GET  /flaky                         200 and 503 in turn
  //   GET  /large?kib=64                  an array of about that size, over many lines
  //   GET  /paged?page=1                  pages 1 to 5, linked by Link headers (RFC 8288)
  //   POST /orders                        201 and the JSON that was sent, with an id
  DemoAnswer answer(const DemoRequest& request);

 private:
  struct Endpoint;
  static const Endpoint kEndpoints[];
  DemoAnswer weather(const DemoRequest& request);
  DemoAnswer slow(const DemoRequest& request);
  DemoAnswer failing(const DemoRequest& request);
  DemoAnswer flaky(const DemoRequest& request);
  DemoAnswer large(const DemoRequest& request);
  DemoAnswer paged(const DemoRequest& request);
  DemoAnswer order(const DemoRequest& request);

  std::string url_;
  long long flaky_calls_ = 0;
  long long orders_ = 0;
};

}  // namespace linegate::daemon
