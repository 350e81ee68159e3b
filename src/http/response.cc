#include "http/response.h"

#include "json/checker.h"
#include "json/quote.h"

namespace linegate {
namespace {

json::Checker& checker() {
  thread_local json::Checker one;
  return one;
}

std::string_view media_type(std::string_view field) {
  field = field.substr(0, field.find(';'));
  while (!field.empty() && (field.back() == ' ' || field.back() == '\t')) field.remove_suffix(1);
  return field;
}

bool ends_with_json(std::string_view type) {
  constexpr std::string_view kSuffix = "+json";
  return type.size() > kSuffix.size() && same_name(type.substr(type.size() - kSuffix.size()), kSuffix);
}

}  // namespace

std::string_view name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_request:
      return "bad_request";
    case ErrorKind::dns:
      return "dns";
    case ErrorKind::connect:
      return "connect";
    case ErrorKind::tls:
      return "tls";
    case ErrorKind::reset:
      return "reset";
    case ErrorKind::timeout:
      return "timeout";
    case ErrorKind::too_large:
      return "too_large";
    case ErrorKind::bad_payload:
      return "bad_payload";
    case ErrorKind::overloaded:
      return "overloaded";
    case ErrorKind::breaker:
      return "breaker";
    case ErrorKind::rate_limited:
      return "rate_limited";
    case ErrorKind::memory:
      return "memory";
  }
  return {};
}

std::string_view name(Phase phase) {
  switch (phase) {
    case Phase::queue:
      return "queue";
    case Phase::connect:
      return "connect";
    case Phase::first_byte:
      return "first_byte";
    case Phase::body:
      return "body";
    case Phase::backoff:
      return "backoff";
  }
  return {};
}

std::string_view name(Limit limit) {
  switch (limit) {
    case Limit::queue:
      return "queue";
    case Limit::connect:
      return "connect";
    case Limit::first_byte:
      return "first_byte";
    case Limit::total:
      return "total";
    case Limit::client:
      return "client";
  }
  return {};
}

Response Response::failed(HttpError error) {
  Response response;
  response.error = std::move(error);
  return response;
}

Response Response::copy() const {
  Response other;
  other.status = status;
  other.headers = headers;
  other.body = body;
  other.error = error;
  other.timings = timings;
  other.checked_ = checked_;
  other.minified_ = minified_;
  other.fault_ = fault_;
  return other;
}

bool Response::has_json_type() const {
  auto field = headers.get("Content-Type");
  if (!field || field->empty()) return true;
  std::string_view type = media_type(*field);
  return same_name(type, "application/json") || same_name(type, "text/json") || ends_with_json(type);
}

void Response::check() {
  if (checked_ != Checked::not_yet) return;
  checked_ = Checked::invalid;
  if (error) return;
  if (body.empty() && ok()) body = "null";
  if (!has_json_type()) {
    fault_ = "the response is not JSON by its Content-Type";
    return;
  }
  auto fault = checker().check(body);
  if (!fault) {
    checked_ = Checked::valid;
    return;
  }
  fault_ =
      "the response is not JSON: " + std::string(fault->what) + " at byte " + std::to_string(fault->offset);
}

std::optional<std::string_view> Response::json() {
  check();
  if (checked_ != Checked::valid) return std::nullopt;
  return body;
}

std::optional<HttpError> Response::json_error() {
  check();
  if (error || checked_ == Checked::valid) return error;
  HttpError fault;
  fault.kind = ErrorKind::bad_payload;
  fault.message = fault_;
  fault.sent = true;
  return fault;
}

bool Response::compact() {
  auto text = json();
  if (!text) return false;
  if (!minified_) {
    std::string line;
    json::append_minified(line, *text);
    line.shrink_to_fit();
    body = std::move(line);
    minified_ = true;
  }
  return true;
}

std::string Response::json_line() {
  std::string line;
  if (auto text = json()) {
    json::append_minified(line, *text);
  } else {
    auto why = json_error();
    json::Object object;
    object.text("kind", name(why->kind)).text("message", why->message);
    if (status != 0) object.number("status", status);
    line = json::Object().raw("error", object.take()).take();
  }
  line += '\n';
  return line;
}

}  // namespace linegate
