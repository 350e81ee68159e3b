#include "wire/request.h"

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "json/scan.h"

namespace linegate::wire {
namespace {

using Raw = std::optional<std::string_view>;

constexpr std::string_view kCancelMethod = "$/cancelRequest";
constexpr double kMaxTimeoutMs = 366.0 * 24 * 3600 * 1000;  // as far as base/units.h goes

ReplyTo reply_to(std::string_view id) {
  ReplyTo to;
  to.dialect = Dialect::jsonrpc;
  to.id = id;
  return to;
}

Refusal refuse(ReplyTo to, Symbol symbol, std::string message) {
  return Refusal{std::move(to), Error{symbol, std::move(message), {}}};
}

// The members of a request that mean something, raw.
struct Fields {
  Raw jsonrpc, id, method, params, meta;
  std::string_view twice;  // the name of one that is given more than once
  bool id_twice = false;
};

void store(Fields& fields, Raw& field, std::string_view name, std::string_view value) {
  if (field) {
    fields.twice = name;
    fields.id_twice |= &field == &fields.id;
  }
  field = value;
}

Fields read_fields(std::string_view object) {
  static constexpr std::array<std::pair<std::string_view, Raw Fields::*>, 5> kNames = {{
      {"jsonrpc", &Fields::jsonrpc},
      {"id", &Fields::id},
      {"method", &Fields::method},
      {"params", &Fields::params},
      {"meta", &Fields::meta},
  }};
  Fields fields;
  for (json::Members member(object); member.next();) {
    for (auto [name, field] : kNames) {
      if (!json::key_is(member.key(), name)) continue;
      store(fields, fields.*field, name, member.value());
      break;
    }
  }
  return fields;
}

bool is_id(std::string_view raw, std::size_t max_bytes) {
  json::Kind kind = json::kind(raw);
  bool scalar = kind == json::Kind::string || kind == json::Kind::number || kind == json::Kind::null;
  return scalar && raw.size() <= max_bytes;
}

bool is_container(std::string_view raw) {
  return json::kind(raw) == json::Kind::object || json::kind(raw) == json::Kind::array;
}

// Each returns the sentence of what is wrong; empty if nothing is.
std::string_view read_flag(std::string_view raw, bool& flag) {
  if (json::kind(raw) != json::Kind::boolean) return "\"meta\": want and fresh are true or false";
  flag = raw == "true";
  return {};
}

std::string_view read_timeout(std::string_view raw, std::optional<Duration>& timeout) {
  static constexpr std::string_view kWrong = "\"meta\": timeout_ms is a number of milliseconds above zero";
  if (json::kind(raw) != json::Kind::number) return kWrong;
  double ms = 0;
  if (std::from_chars(raw.data(), raw.data() + raw.size(), ms).ec != std::errc()) return kWrong;
  if (!(ms <= kMaxTimeoutMs)) return kWrong;
  timeout = std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(ms));
  return *timeout > Duration::zero() ? std::string_view() : kWrong;
}

std::string_view read_meta(std::string_view raw, Call& call) {
  if (json::kind(raw) != json::Kind::object) return "\"meta\" is an object";
  std::string_view wrong;
  for (json::Members member(raw); wrong.empty() && member.next();) {
    if (json::key_is(member.key(), "want")) wrong = read_flag(member.value(), call.to.want_meta);
    if (json::key_is(member.key(), "fresh")) wrong = read_flag(member.value(), call.fresh);
    if (json::key_is(member.key(), "timeout_ms")) wrong = read_timeout(member.value(), call.timeout);
  }
  return wrong;
}

// JSON-RPC 2.0 section 4, but for the id.
std::string check_fields(const Fields& fields) {
  if (!fields.twice.empty()) return "\"" + std::string(fields.twice) + "\" is given twice";
  if (!fields.jsonrpc || json::kind(*fields.jsonrpc) != json::Kind::string ||
      !json::key_is(*fields.jsonrpc, "2.0")) {
    return "\"jsonrpc\":\"2.0\" is required";
  }
  if (!fields.method || json::kind(*fields.method) != json::Kind::string) return "\"method\" is a string";
  if (fields.params && !is_container(*fields.params)) return "\"params\" is an object or an array";
  return {};
}

std::string read_named(std::string_view params, std::vector<Argument>& arguments) {
  for (json::Members member(params); member.next();) {
    auto name = json::unescape(member.key());
    if (!name) return "a parameter's name has half a surrogate pair";
    if (name->empty()) return "a parameter's name is empty";  // which would mean "by position" further on
    arguments.push_back({*std::move(name), std::string(member.value())});
  }
  return {};
}

// The sentence of what is wrong; empty if nothing is.
std::string read_arguments(std::string_view params, std::vector<Argument>& arguments) {
  if (json::kind(params) == json::Kind::object) return read_named(params, arguments);
  for (json::Elements element(params); element.next();) {
    arguments.push_back({std::string(), std::string(element.value())});
  }
  return {};
}

Item read_cancel(Call call, std::size_t max_id) {
  bool one = call.arguments.size() == 1 && call.arguments[0].name == "id";
  if (!one || !is_id(call.arguments[0].value, max_id)) {
    return refuse(std::move(call.to), Symbol::invalid_params,
                  "\"params\" is an object with the id to cancel");
  }
  return Cancel{std::move(call.to), std::move(call.arguments[0].value)};
}

std::string check_id(const Fields& fields, std::size_t max_id) {
  if (fields.id_twice) return "\"id\" is given twice";
  if (!fields.id || is_id(*fields.id, max_id)) return {};
  return "\"id\" is a string, a number or null, of at most " + std::to_string(max_id) + " bytes";
}

// A well-formed request: what is wrong from here on is not told to a notification.
Item bind(const Fields& fields, Call call, std::size_t max_id) {
  auto method = json::unescape(*fields.method);
  if (!method)
    return refuse(std::move(call.to), Symbol::unknown_method, "a method with half a surrogate pair");
  call.method = *std::move(method);
  std::string wrong = fields.params ? read_arguments(*fields.params, call.arguments) : std::string();
  if (!wrong.empty()) return refuse(std::move(call.to), Symbol::invalid_params, std::move(wrong));
  if (call.method == kCancelMethod) return read_cancel(std::move(call), max_id);
  return call;
}

}  // namespace

Refusal refuse_anonymous(Error error) {
  return Refusal{reply_to("null"), std::move(error)};
}

Item parse_request(std::string_view raw, bool too_deep, std::size_t max_id) {
  if (json::kind(raw) != json::Kind::object) {
    return refuse(reply_to("null"), Symbol::invalid_request, "a request is an object");
  }
  Fields fields = read_fields(raw);
  std::string wrong = check_id(fields, max_id);
  if (!wrong.empty()) return refuse(reply_to("null"), Symbol::invalid_request, std::move(wrong));
  Call call;
  call.to = reply_to(fields.id.value_or("null"));
  wrong = too_deep ? "it is nested too deep" : check_fields(fields);
  if (wrong.empty() && fields.meta) wrong = read_meta(*fields.meta, call);
  if (!wrong.empty()) return refuse(std::move(call.to), Symbol::invalid_request, std::move(wrong));
  call.to.notification = !fields.id;
  return bind(fields, std::move(call), max_id);
}

}  // namespace linegate::wire
