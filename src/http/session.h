// Session: what aiohttp.ClientSession is: one pool of connections, defaults, and get / post / request. One
// per Loop; must be destroyed before it, and after every task that awaits one of its calls.
//
//   Session session(loop);
//   auto reply = co_await session.get("https://api.example/v1/current", {{"city", "Oslo"}});
//   if (reply.ok()) use(reply.body);
//
// Nothing throws for what can happen at run time: a bad URL, a name without address, a timeout are
// Response::error. A request is sent once; only when a kept connection turns out to be dead before any byte
// of the response, a GET, HEAD, OPTIONS, PUT or DELETE is sent a second time.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/compiler.h"
#include "coro/semaphore.h"
#include "coro/task.h"
#include "http/origin.h"
#include "http/request.h"
#include "http/resolver.h"
#include "http/response.h"
#include "loop/loop.h"

namespace linegate {

class Multi;

struct Timeouts {
  Duration connect = 30s;
  Duration first_byte = 300s;
  Duration total = 300s;  // over everything, waiting for a place included
};

struct SessionOptions {
  Fields headers = {};  // sent with every request of get(), post() and request(), unless the call has one of
                        // that name
  Timeouts timeout = {};            // of calls that give none
  std::size_t max_transfers = 100;  // at once; more wait for a place. 0 = no limit
  // Connections kept without a transfer. Beyond 64 transfers at a time as many more are kept as were used,
  // until origin.max_idle after they were.
  std::size_t max_idle_connections = 256;
  std::size_t max_body = std::size_t{64} << 20;  // decoded bytes of a response
  Redirects redirects = {};
  OriginOptions origin = {};
  ResolverOptions resolver = {};  // its `refresh` is replaced by the origin's dns_refresh
};

struct Body {
  std::string bytes;
  std::string content_type;  // empty = none is sent
};
Body json_body(std::string json);      // application/json
Body form_body(const Fields& fields);  // application/x-www-form-urlencoded
Body text_body(std::string text);      // text/plain; charset=utf-8

struct RequestOptions {
  Fields params = {};  // added to the URL's query, percent-encoded
  Fields headers = {};
  Body body = {};
  std::optional<Duration> timeout = {};  // instead of the session's total; connect and first_byte remain
  std::optional<Redirects> redirects = {};
};

class Session {
 public:
  // Throws std::runtime_error if the libcurl found at run time must not be used (see check_curl()), and
  // std::invalid_argument for headers that cannot be sent.
  explicit Session(Loop& loop, SessionOptions options = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Task<Response> get(std::string url, Fields params = {}, RequestOptions options = {});
  Task<Response> post(std::string url, Body body, RequestOptions options = {});
  // `method` is sent as it is.
  Task<Response> request(std::string method, std::string url, RequestOptions options = {});

  // ---- The level below, for callers with prebuilt requests: no URL is parsed, nothing is sent twice.

  // Everything that requests to one scheme, host and port share. `url` is "https://host:port"; a path is
  // ignored. Throws std::invalid_argument for what is not a http or https URL. Must be destroyed before the
  // session.
  std::unique_ptr<Origin> make_origin(const std::string& url, const OriginOptions& options);

  // Waits for a place, finds the address, sends, follows redirects. `origin`, `request` and `options` must
  // outlive the task.
  Task<Response> send(Origin& origin, const Request& request, const SendOptions& options);
  // Likewise, into a response that outlives the task.
  Task<> send(Origin& origin, const Request& request, const SendOptions& options, Response& response);

  Loop& loop() { return loop_; }
  std::size_t active() const;  // transfers in flight

 private:
  static constexpr std::size_t kMaxOrigins = 1'000;  // kept for get(), post(), request()

  Task<> send_once(Origin& origin, const Request& request, const SendOptions& options, Response& response);
  Task<> follow(Response& response, Origin& origin, const Request& request, const SendOptions& options);
  Task<bool> look_up(Origin& origin, Deadline connect, const Clocks& clocks, Response& response,
                     Addresses& addresses);
  Task<bool> wait_for_place(Expiry expiry, Semaphore::Permit& place);
  Task<Semaphore::Permit> acquire_place();
  std::shared_ptr<Origin> shared_origin(const Url& url);
  Resolver& resolver(Duration refresh);
  Request prepare(std::string method, std::string target, RequestOptions& options) const;
  SendOptions send_options(const RequestOptions& options) const;

  Loop& loop_;
  SessionOptions options_;
  std::map<Duration, std::unique_ptr<Resolver>> resolvers_;
  std::unique_ptr<Multi> multi_;
  std::unordered_map<std::string, std::shared_ptr<Origin>> origins_;
  Semaphore places_;
};

}  // namespace linegate
