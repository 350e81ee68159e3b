// A line of either dialect. The dialect is chosen for each message by its first byte that is not blank.
#pragma once

#include <string_view>

#include "wire/jsonrpc.h"
#include "wire/message.h"

namespace linegate::wire {

// Spaces and tabs only: to be ignored like an empty line.
bool is_blank(std::string_view line);

// `{` or `[` is JSON-RPC, anything else is text. The beginning of a line is enough.
Dialect dialect_of(std::string_view line);

// Where the answer to a line goes that cannot be parsed: no id, or `null`.
ReplyTo anonymous(Dialect dialect);

// `line` has no LF, no CR before it, and is not blank.
Message parse(std::string_view line, const JsonRpcLimits& limits = {});

}  // namespace linegate::wire
