// Response: what came of one HTTP request, as a value: status, headers, body, or a typed error; and how long
// it took.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/body_budget.h"
#include "http/headers.h"

namespace linegate {

enum class ErrorKind {
  bad_request,   // the URL, a header or the method cannot be sent; nothing was
  dns,           // the name has no address
  connect,       // no address accepted a connection, or the proxy refused
  tls,           // handshake or certificate
  reset,         // the connection was lost before the response was complete
  timeout,       // a clock ran out: `phase`, `limit`
  too_large,     // more than max_body decoded bytes
  bad_payload,   // not HTTP, or a content encoding that does not decode; json() also: not JSON
  overloaded,    // refused here, before anything was sent: the queue is full
  breaker,       // likewise: the circuit breaker is open; see retry_after
  rate_limited,  // likewise: our own rate, a gate closed by Retry-After, or the quota; see retry_after
  memory,        // the budget for bodies is spent
};
std::string_view name(ErrorKind kind);  // "bad_request": stable

// What was going on when time ran out.
enum class Phase { queue, connect, first_byte, body, backoff };
std::string_view name(Phase phase);

// Which clock ran out.
enum class Limit { queue, connect, first_byte, total, client };
std::string_view name(Limit limit);

struct HttpError {
  ErrorKind kind = ErrorKind::bad_request;
  std::string message;  // one sentence, printable ASCII; holds no URL, header or secret
  bool sent = false;    // false: no byte of the request left; true: the other side may have acted on it
  // The request went out on a connection that had been idle, which died without a byte of response: nothing
  // is wrong with the other side; repeating a safe or idempotent request at once is right.
  bool stale_connection = false;
  Phase phase = Phase::connect;              // of timeouts
  Limit limit = Limit::total;                // of timeouts
  Duration limit_value{};                    // of timeouts: what that clock was set to
  std::optional<Duration> retry_after = {};  // of refusals: when repeating may help
};

// Of the last request of the call, where there were several (redirects, a replay); total is over all.
struct Timings {
  Duration queue{};       // waiting for a place
  Duration connect{};     // until the request's first byte was about to leave; near zero on a kept connection
  Duration first_byte{};  // from there to the final status line
  Duration total{};       // from the call to the end of the body
};

struct Response {
  int status = 0;  // 0: none arrived
  Headers headers;
  std::string body;                // decoded; capacity has room for simdjson's padding
  std::optional<HttpError> error;  // set: no complete response; status and headers may be there all the same
  Timings timings;
  Charge charge;

  static Response failed(HttpError error);

  // The same response, checked if this one is; nothing is charged for it.
  Response copy() const;

  // A complete response with a status of 2xx.
  bool ok() const { return !error && status >= 200 && status < 300; }

  // application/json, text/json, any +json, or no Content-Type; parameters are ignored.
  bool has_json_type() const;

  // The body, if it is complete, has a JSON type and is valid JSON (whatever the status); else empty, and
  // json_error() says why. A leading byte order mark is cut off. An empty body with status 2xx is "null". The
  // view is into `body`.
  std::optional<std::string_view> json();
  std::optional<HttpError> json_error();

  // Minifies the body if it is JSON, and lets go of spare memory: for a response that is kept, or given to
  // many. False if it is not JSON; it stays as it is then.
  bool compact();
  bool minified() const { return minified_; }

  // json() as one line, minified, with LF; {"error":{"kind":…,"message":…}} and LF when there is none.
  std::string json_line();

 private:
  enum class Checked { not_yet, valid, invalid };
  void check();
  Checked checked_ = Checked::not_yet;
  bool minified_ = false;
  std::string fault_;
};

}  // namespace linegate
