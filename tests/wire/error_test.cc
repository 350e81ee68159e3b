// The error table against protocol.md section 5, and the members of an error.
#include "wire/error.h"

#include <gtest/gtest.h>

#include <tuple>

namespace linegate::wire {
namespace {

TEST(Error, TheTableIsTheProtocols) {
  const std::tuple<Symbol, std::string_view, int, std::string_view> rows[] = {
      {Symbol::parse_error, "parse_error", -32700, "Parse error"},
      {Symbol::invalid_request, "invalid_request", -32600, "Invalid Request"},
      {Symbol::unknown_method, "unknown_method", -32601, "Method not found"},
      {Symbol::invalid_params, "invalid_params", -32602, "Invalid params"},
      {Symbol::internal, "internal", -32603, "Internal error"},
      {Symbol::upstream_error, "upstream_error", -32000, ""},
      {Symbol::upstream_not_found, "upstream_not_found", -32001, ""},
      {Symbol::unavailable, "unavailable", -32002, ""},
      {Symbol::upstream_timeout, "upstream_timeout", -32003, ""},
      {Symbol::upstream_bad_payload, "upstream_bad_payload", -32004, ""},
      {Symbol::rate_limited, "rate_limited", -32005, ""},
      {Symbol::overloaded, "overloaded", -32006, ""},
      {Symbol::request_too_large, "request_too_large", -32007, ""},
      {Symbol::reply_too_large, "reply_too_large", -32008, ""},
      {Symbol::batch_too_large, "batch_too_large", -32010, ""},
      {Symbol::unauthenticated, "unauthenticated", -32011, ""},
      {Symbol::forbidden, "forbidden", -32012, ""},
      {Symbol::cancelled, "cancelled", -32800, ""},
  };
  for (auto [symbol, symbol_name, symbol_code, standard] : rows) {
    EXPECT_EQ(name(symbol), symbol_name);
    EXPECT_EQ(code(symbol), symbol_code);
    EXPECT_EQ(standard_message(symbol), standard);
  }
}

TEST(Error, CollectsMembersAsJson) {
  Error error{Symbol::upstream_timeout, "late", {}};
  error.text("a", "x\"\n\xff").raw("b", "[1]").number("c", -5).flag("d", false);
  EXPECT_EQ(error.members, ",\"a\":\"x\\\"\\n\xef\xbf\xbd\",\"b\":[1],\"c\":-5,\"d\":false");
}

}  // namespace
}  // namespace linegate::wire
