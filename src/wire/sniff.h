// Recognises clients that speak something else (protocol.md section 1): browsers and other HTTP clients above
// all, which must not be able to get commands in. Pure functions on bytes; the connection answers and closes.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace linegate::wire {

enum class Foreign { none, http, tls, telnet, header_framing };

// How much of an unfinished line is looked at.
inline constexpr std::size_t kSniffBytes = 1024;

// The first bytes of a connection, at least one: tls, telnet or none; nullopt if one more byte is needed.
std::optional<Foreign> sniff_start(std::string_view bytes);

// The bytes so far of a line that has no LF yet, before the first valid request: http, or none, which is not
// final.
Foreign sniff_partial(std::string_view bytes);

// A whole line, without LF and CR, before the first valid request: http, header_framing (if it is the
// connection's first non-empty line) or none.
Foreign sniff_line(std::string_view line, bool first);

// A whole line after the first valid request: http or none.
Foreign sniff_later_line(std::string_view line);

// What to send before the connection is closed; empty for tls and telnet.
std::string_view farewell(Foreign foreign);

// For the log: "HTTP on a line port".
std::string_view reason(Foreign foreign);

}  // namespace linegate::wire
