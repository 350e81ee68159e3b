// Parses a line of the JSON-RPC 2.0 dialect (protocol.md section 3) into a Call, a Batch, a Cancel, or the
// Refusal that answers it. Knows no methods but `$/cancelRequest`.
#pragma once

#include <cstddef>
#include <string_view>

#include "wire/message.h"

namespace linegate::wire {

struct JsonRpcLimits {
  std::size_t max_batch = 100;  // items of a batch
  std::size_t max_depth = 64;   // nested objects and arrays of a line, a batch's array counted
  std::size_t max_id = 256;     // bytes of an id, quotes included
};

// `line` has no LF; its first non-blank byte is `{` or `[`.
//
//   parse_error      not JSON, or not UTF-8 (id null); JSON that is merely too deep is invalid_request
//   invalid_request  as JSON-RPC 2.0 section 4 says; a member given twice; an id of another type or over
//   max_id; a
//                    `meta` that is no object of {"timeout_ms": positive number, "want": bool, "fresh": bool}
//   invalid_params   a parameter's name with half a surrogate pair; $/cancelRequest without exactly one id
//   unknown_method   a method with half a surrogate pair, which no route can have
//
// What is invalid and has no id is answered with id null; only a well-formed notification is silent. `[]` is
// a Refusal. A batch over max_batch becomes a Batch of Refusals (batch_too_large), one for each id; if it has
// no id at all it answers nothing, or, if something in it was no request, one Refusal.
Message parse_jsonrpc(std::string_view line, const JsonRpcLimits& limits = {});

}  // namespace linegate::wire
