// The error table of the wire protocol (protocol.md section 5): symbols, JSON-RPC codes, and an error as a
// value.
#pragma once

#include <string>
#include <string_view>

namespace linegate::wire {

enum class Symbol {
  parse_error,
  invalid_request,
  unknown_method,
  invalid_params,
  internal,
  upstream_error,
  upstream_not_found,
  unavailable,
  upstream_timeout,
  upstream_bad_payload,
  rate_limited,
  overloaded,
  request_too_large,
  reply_too_large,
  batch_too_large,
  unauthenticated,
  forbidden,
  cancelled,
};

std::string_view name(Symbol symbol);  // "parse_error": stable, what programs match
int code(Symbol symbol);               // -32700
// The message that JSON-RPC 2.0 section 5.1 fixes for -326xx and -32700 ("Parse error"); empty for all
// others.
std::string_view standard_message(Symbol symbol);

// One error, independent of the dialect that it is written in.
struct Error {
  Symbol symbol = Symbol::internal;
  std::string message;  // one sentence, for people; valid UTF-8
  // Further members as JSON text, each with a leading comma: `,"param":"city"`. Append with the functions
  // below.
  std::string members;

  Error& text(std::string_view key,
              std::string_view value);                      // ,"key":"value" (value made valid UTF-8, quoted)
  Error& raw(std::string_view key, std::string_view json);  // ,"key":json    (json is valid and one line)
  Error& number(std::string_view key, long long value);
  Error& flag(std::string_view key, bool value);
};

}  // namespace linegate::wire
