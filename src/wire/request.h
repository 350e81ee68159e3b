// One JSON-RPC request object: what it means, or why it is refused. Internal to the JSON-RPC parser, which
// knows of lines and batches.
#pragma once

#include <string>
#include <string_view>

#include "wire/jsonrpc.h"
#include "wire/message.h"

namespace linegate::wire {

// `raw` is valid JSON of any type. One that is `too_deep` is refused for that, with its id.
Item parse_request(std::string_view raw, bool too_deep, std::size_t max_id);

// A refusal whose id is not known.
Refusal refuse_anonymous(Error error);

}  // namespace linegate::wire
