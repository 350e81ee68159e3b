// What a line can be: a call, a batch, a cancel, or an error. Both dialects parse into these. Owns its bytes,
// so that it may outlive the line and cross a co_await.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "wire/error.h"

namespace linegate::wire {

enum class Dialect { text, jsonrpc };

// One argument as the client gave it. The router binds it to a declared parameter and checks its type.
struct Argument {
  std::string name;   // empty = by position
  std::string value;  // text dialect: the decoded text; JSON-RPC: the raw JSON of the value, validated
};

// Where a reply goes and what it looks like: everything that is needed to write it except the outcome.
struct ReplyTo {
  Dialect dialect = Dialect::text;
  std::string id;  // text: the @id token or empty; JSON-RPC: the id's raw JSON bytes, "null" if unknown
  bool notification = false;  // JSON-RPC without id: nothing is answered
  bool want_meta = false;     // @meta, or "meta":{"want":true}
  bool raw = false;           // @raw
};

struct Call {
  ReplyTo to;
  std::string method;  // as given; JSON-RPC keeps its "rpc." prefix
  std::vector<Argument> arguments;
  std::optional<Duration> timeout;  // @timeout, or "meta":{"timeout_ms":…}
  bool fresh = false;
};

// $/cancelRequest: ends the call whose id has these raw bytes.
struct Cancel {
  ReplyTo to;  // a notification, usually
  std::string target;
};

// A request that cannot be run; its reply is known already.
struct Refusal {
  ReplyTo to;
  Error error;
};

using Item = std::variant<Call, Cancel, Refusal>;

struct Batch {
  std::vector<Item> items;  // in request order; never empty
};

using Message = std::variant<Call, Batch, Cancel, Refusal>;

}  // namespace linegate::wire
