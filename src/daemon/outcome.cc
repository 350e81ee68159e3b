#include "daemon/outcome.h"

#include <chrono>
#include <ctime>

#include "base/printable.h"
#include "base/units.h"
#include "http/date.h"
#include "json/quote.h"
#include "json/scan.h"
#include "json/utf8.h"
#include "json/validate.h"

namespace linegate::daemon {
namespace {

using wire::Symbol;

double to_ms(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Rounded up: who comes back then is not too early.
long long whole_ms(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

// ---------------------------------------------------------------- no response

Symbol symbol_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::dns:
    case ErrorKind::connect:
    case ErrorKind::tls:
    case ErrorKind::reset:
    case ErrorKind::breaker:
      return Symbol::unavailable;
    case ErrorKind::timeout:
      return Symbol::upstream_timeout;
    case ErrorKind::too_large:
    case ErrorKind::bad_payload:
      return Symbol::upstream_bad_payload;
    case ErrorKind::overloaded:
    case ErrorKind::memory:
      return Symbol::overloaded;
    case ErrorKind::rate_limited:
      return Symbol::rate_limited;
    case ErrorKind::bad_request:
      return Symbol::internal;
  }
  return Symbol::internal;
}

void append_reason(wire::Error& error, const HttpError& failure) {
  if (failure.kind == ErrorKind::timeout) {
    error.text("phase", name(failure.phase)).text("limit", name(failure.limit));
  } else if (error.symbol == Symbol::unavailable) {
    error.text("reason", name(failure.kind));
  } else if (error.symbol == Symbol::overloaded) {
    error.text("reason", failure.kind == ErrorKind::memory ? "memory" : "queue");
  } else if (error.symbol == Symbol::rate_limited) {
    error.text("scope", "upstream");
  }
  if (failure.retry_after) error.number("retry_after_ms", whole_ms(*failure.retry_after));
}

wire::Error from_failure(const HttpError& failure, const Outcome& outcome, const Route& route) {
  wire::Error error{symbol_of(failure.kind), failure.message, {}};
  if (failure.kind == ErrorKind::timeout) error.message = "no answer within " + to_text(failure.limit_value);
  error.text("upstream", route.upstream().name);
  append_reason(error, failure);
  error.flag("sent", failure.sent).number("attempts", outcome.attempts);
  return error;
}

// ---------------------------------------------------------------- a status that is no success

Symbol symbol_of_status(int status) {
  if (status == 404 || status == 410) return Symbol::upstream_not_found;
  return status == 429 ? Symbol::rate_limited : Symbol::upstream_error;
}

std::string minified(std::string_view json) {
  std::string line;
  json::append_minified(line, json);
  return line;
}

bool is_problem(const Response& response) {
  auto field = response.headers.get("Content-Type");
  if (!field) return false;
  std::string_view type = field->substr(0, field->find(';'));
  return same_name(json::trim(type), "application/problem+json");
}

std::string_view without_byte_order_mark(std::string_view body) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return body.substr(body.starts_with(kMark) ? kMark.size() : 0);
}

// What the API said, as JSON where it is JSON and small enough, else the beginning of it as text.
void append_body(wire::Error& error, const Response& response, const SecretSet& secrets) {
  std::string_view body = without_byte_order_mark(response.body);
  if (body.empty()) return;
  bool small = body.size() <= kMaxErrorBody;
  if (small && response.has_json_type() && !json::validate(body, json::kMaxDepth)) {
    std::string text = secrets.mask_json(minified(body));
    error.raw(is_problem(response) && json::kind(text) == json::Kind::object ? "problem" : "body", text);
    return;
  }
  // Masked before it is cut, so that no half of a secret shows; what lies far behind the excerpt need not be
  // masked.
  std::string text = secrets.mask(json::make_utf8(body.substr(0, kMaxErrorBody)));
  error.text("excerpt", cut_utf8(text, kMaxExcerpt));
}

wire::Error from_status(const Outcome& outcome, const Route& route, const SecretSet& secrets) {
  const Response& response = *outcome.response;
  wire::Error error{symbol_of_status(response.status), {}, {}};
  error.message = "the API answered with status " + std::to_string(response.status);
  error.text("upstream", route.upstream().name).number("status", response.status);
  if (error.symbol == Symbol::rate_limited) {
    error.text("scope", "upstream");
    auto field = response.headers.get("Retry-After");
    auto wait = field ? parse_retry_after(*field, std::time(nullptr)) : std::nullopt;
    if (wait) error.number("retry_after_ms", whole_ms(*wait));
  }
  error.flag("sent", true).number("attempts", outcome.attempts);
  append_body(error, response, secrets);
  return error;
}

// ---------------------------------------------------------------- a success

Answer bad_payload(const Outcome& outcome, const Route& route, std::string message) {
  wire::Error error{Symbol::upstream_bad_payload, std::move(message), {}};
  error.text("upstream", route.upstream().name).number("status", outcome.response->status);
  error.flag("sent", true).number("attempts", outcome.attempts);
  return Answer::of(std::move(error));
}

Answer from_success(const Outcome& outcome, const Route& route) {
  Response& response = *outcome.response;
  if (route.config().response == ResponseKind::text) return Answer::of(json::quoted(response.body));
  auto text = response.json();
  if (!text) {
    auto fault = response.json_error();
    return bad_payload(outcome, route, fault ? fault->message : "the answer is not JSON");
  }
  return Answer::of(outcome.response);
}

// Fields of one name are one list (RFC 9110 section 5.3).
std::string meta_headers(const Response& response, const RouteConfig& route) {
  json::Object headers;
  for (const std::string& wanted : route.reply_headers) {
    std::string list;
    auto values = response.headers.get_all(wanted);
    for (std::string_view value : values) list.append(list.empty() ? "" : ", ").append(value);
    if (!values.empty()) headers.text(wanted, list);
  }
  return headers.take();
}

bool from_cache(Source source) {
  return source == Source::hit || source == Source::stale || source == Source::revalidated;
}

std::string meta_of(const Outcome& outcome, const Route& route) {
  const Response& response = *outcome.response;
  json::Object meta;
  meta.text("cache", name(outcome.source));
  if (from_cache(outcome.source)) meta.number("age_ms", whole_ms(outcome.age));
  meta.number("attempts", outcome.attempts);
  if (response.status != 0) meta.number("status", response.status);
  if (outcome.source != Source::hit) {
    meta.real("upstream_ms", to_ms(outcome.upstream)).real("queue_ms", to_ms(outcome.queue));
  }
  if (outcome.attempts > 0 && !from_cache(outcome.source) && response.status != 0) {
    meta.real("connect_ms", to_ms(response.timings.connect));
    meta.real("first_byte_ms", to_ms(response.timings.first_byte));
  }
  if (!route.config().reply_headers.empty()) meta.raw("headers", meta_headers(response, route.config()));
  return meta.take();
}

}  // namespace

Answer to_answer(const Outcome& outcome, const Route& route, const SecretSet& secrets, bool want_meta) {
  std::string meta = want_meta ? meta_of(outcome, route) : std::string();
  const Response& response = *outcome.response;
  bool success = response.status >= 200 && response.status < 300;
  Answer answer = response.error ? Answer::of(from_failure(*response.error, outcome, route))
                  : success      ? from_success(outcome, route)
                                 : Answer::of(from_status(outcome, route, secrets));
  answer.meta = std::move(meta);
  return answer;
}

}  // namespace linegate::daemon
