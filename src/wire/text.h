// Parses a line of the text dialect (protocol.md section 2) into a Call, or into the Refusal that answers it.
// Knows the grammar only: names, parameters and built-in words are the router's.
#pragma once

#include <string_view>

#include "wire/message.h"

namespace linegate::wire {

// `line` has no LF and is not blank. Always a Call or a Refusal; the Refusal carries the @id if one was read
// before the fault, or, where only an option's meaning is wrong, anywhere in the line.
//
//   parse_error      not UTF-8; a control character other than tab; a quoted value that is no JSON string or
//   has
//                    something behind its closing quote
//   invalid_request  an unknown, repeated or malformed option; @raw with @meta; no name, or a name in quotes
//   invalid_params   a quoted value with half a surrogate pair
//
// A value in quotes reaches the Call unescaped; a parameter given twice is left to the router.
Message parse_text(std::string_view line);

}  // namespace linegate::wire
