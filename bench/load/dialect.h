// How requests and replies look on the wire: the text dialect, the same with @id, JSON-RPC, HTTP for the
// peers and upstreams that speak it, and RESP for Redis. Knows framing and forms, no sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "load/form.h"

namespace bench {

enum class Dialect { text, tagged, jsonrpc, http, resp };

std::optional<Dialect> dialect_named(std::string_view name);
const char* name_of(Dialect dialect);

// Replies of these come in request order; the others' name the slot they are for.
inline bool in_order(Dialect dialect) {
  return dialect == Dialect::text || dialect == Dialect::http || dialect == Dialect::resp;
}

// `words` is what a person would type, with `{id}` for the token: `item {id} size=4096`. JSON-RPC takes named
// parameters only if all are (`item id={id} size=4096`), HTTP makes /item/TOKEN?size=4096 of the same, and
// RESP GET item:TOKEN (it has no use for `size`).
Form request_form(Dialect dialect, std::string_view words);

// The reply whose JSON value is `json`, in which `{id}` is the token.
Form reply_form(Dialect dialect, std::string_view json);

// One reply at the front of `bytes`: its length with framing, and the part to compare. `size` 0: not complete
// yet.
struct Reply {
  std::size_t size = 0;
  std::string_view message;  // the line, the body of an HTTP response, or the value that Redis holds
  int status = 200;          // of HTTP; of RESP: 404 = no such key, 500 = an error; 0 = what came is neither
};
// `scanned`: bytes known to hold no end of line; kept by the caller from call to call, 0 for a new reply.
Reply next_reply(Dialect dialect, std::string_view bytes, std::size_t& scanned);

// The slot that a reply is for, in dialects that name it.
std::optional<std::uint32_t> slot_of(Dialect dialect, std::string_view message);

// The symbol of an error reply, or empty if it is none.
std::string error_symbol(Dialect dialect, const Reply& reply);

}  // namespace bench
