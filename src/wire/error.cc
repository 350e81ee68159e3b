#include "wire/error.h"

#include <array>

#include "json/quote.h"

namespace linegate::wire {
namespace {

struct Row {
  std::string_view name;
  int code;
  std::string_view standard;
};

// In the order of Symbol.
constexpr std::array<Row, 18> kRows = {{
    {"parse_error", -32700, "Parse error"},
    {"invalid_request", -32600, "Invalid Request"},
    {"unknown_method", -32601, "Method not found"},
    {"invalid_params", -32602, "Invalid params"},
    {"internal", -32603, "Internal error"},
    {"upstream_error", -32000, ""},
    {"upstream_not_found", -32001, ""},
    {"unavailable", -32002, ""},
    {"upstream_timeout", -32003, ""},
    {"upstream_bad_payload", -32004, ""},
    {"rate_limited", -32005, ""},
    {"overloaded", -32006, ""},
    {"request_too_large", -32007, ""},
    {"reply_too_large", -32008, ""},
    {"batch_too_large", -32010, ""},
    {"unauthenticated", -32011, ""},
    {"forbidden", -32012, ""},
    {"cancelled", -32800, ""},
}};
static_assert(kRows.size() == static_cast<std::size_t>(Symbol::cancelled) + 1);

const Row& row(Symbol symbol) {
  return kRows[static_cast<std::size_t>(symbol)];
}

}  // namespace

std::string_view name(Symbol symbol) {
  return row(symbol).name;
}
int code(Symbol symbol) {
  return row(symbol).code;
}
std::string_view standard_message(Symbol symbol) {
  return row(symbol).standard;
}

Error& Error::text(std::string_view key, std::string_view value) {
  return raw(key, json::quoted(value));
}

Error& Error::raw(std::string_view key, std::string_view json) {
  members += ',';
  json::append_quoted(members, key);
  members += ':';
  members += json;
  return *this;
}

Error& Error::number(std::string_view key, long long value) {
  return raw(key, std::to_string(value));
}

Error& Error::flag(std::string_view key, bool value) {
  return raw(key, value ? "true" : "false");
}

}  // namespace linegate::wire
