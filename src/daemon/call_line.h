// The words of `linegate call` as one line of the wire protocol, and what its answer means. Pure; knows no
// socket.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linegate::daemon {

struct CallLine {
  std::string line;      // without LF
  std::string error;     // not empty = these words cannot be sent, and why
  bool json = false;     // sent as it is: the answer is JSON-RPC
  bool raw = false;      // @raw: the answer has no "OK"
  bool answered = true;  // false: notifications only
};

// Quotes what needs it (protocol.md section 2), because a shell has taken the user's own quotes away:
//
//   weather "São Paulo"             weather "São Paulo"
//   weather city="New York" @meta   weather city="New York" @meta
//   note 'say "hi"' ""              note "say \"hi\"" ""
//
// A word `name=value` is a named argument and `@name`, `@name=value` are options: only their values are
// quoted. The first other word is the route; it goes as it is, so that a whole line can be given as one word.
// If the very first word begins with `{` or `[`, all words are sent as they are, joined by spaces.
CallLine make_call_line(const std::vector<std::string>& words);

// Whether `reply`, the line that answers `call`, is an error: ERR, or a JSON-RPC error, or one in a batch.
bool is_error_reply(const CallLine& call, std::string_view reply);

}  // namespace linegate::daemon
