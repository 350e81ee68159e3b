#include "wire/sniff.h"

#include <algorithm>
#include <array>

namespace linegate::wire {
namespace {

constexpr std::array<std::string_view, 10> kMethods = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                                       "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"};

constexpr std::array<std::string_view, 3> kVersions = {" HTTP/1.0", " HTTP/1.1", " HTTP/2.0"};

constexpr std::string_view kHttpAnswer =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 64\r\n"
    "Connection: close\r\n"
    "\r\n"
    "This port speaks text lines and JSON-RPC 2.0 lines, never HTTP.\n";

constexpr std::string_view kFramingAnswer =
    R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request","data":)"
    R"({"symbol":"invalid_request","message":"one message a line, without headers"}}})"
    "\n";

constexpr bool body_is(std::string_view answer, std::size_t length) {
  return answer.substr(answer.find("\r\n\r\n") + 4).size() == length;
}
static_assert(body_is(kHttpAnswer, 64));

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// Header names have no case (RFC 9110 section 5.1). `prefix` is lower case.
bool begins(std::string_view line, std::string_view prefix) {
  auto same = [](char expected, char c) { return expected == lower(c); };
  return line.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), line.begin(), same);
}

std::string_view trim_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

bool is_method(std::string_view word) {
  return std::find(kMethods.begin(), kMethods.end(), word) != kMethods.end();
}

// ` HTTP/` and a version: digits, and perhaps a point and digits.
bool ends_in_version(std::string_view line) {
  constexpr std::string_view kName = " HTTP/";
  std::size_t at = line.rfind(kName);
  if (at == line.npos) return false;
  std::string_view version = line.substr(at + kName.size());
  bool allowed = std::all_of(version.begin(), version.end(), [](char c) { return is_digit(c) || c == '.'; });
  return allowed && !version.empty() && is_digit(version.front()) && is_digit(version.back());
}

}  // namespace

std::optional<Foreign> sniff_start(std::string_view bytes) {
  if (bytes.starts_with('\xff')) return Foreign::telnet;
  if (!bytes.starts_with('\x16')) return Foreign::none;
  if (bytes.size() < 2) return std::nullopt;
  return bytes[1] == '\x03' ? Foreign::tls : Foreign::none;
}

Foreign sniff_partial(std::string_view bytes) {
  bytes = bytes.substr(0, kSniffBytes);
  bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t"), bytes.size()));
  if (begins(bytes, "host:")) return Foreign::http;
  std::size_t word = bytes.find_first_of(" \t");
  return word != bytes.npos && is_method(bytes.substr(0, word)) ? Foreign::http : Foreign::none;
}

Foreign sniff_line(std::string_view line, bool first) {
  std::string_view text = trim_blanks(line);
  if (is_method(text) || ends_in_version(text)) return Foreign::http;
  if (first && (begins(text, "content-length:") || begins(text, "content-type:"))) {
    return Foreign::header_framing;
  }
  return sniff_partial(text);
}

Foreign sniff_later_line(std::string_view line) {
  line = trim_blanks(line);
  bool http = std::any_of(kVersions.begin(), kVersions.end(), [line](auto v) { return line.ends_with(v); });
  return http ? Foreign::http : Foreign::none;
}

std::string_view farewell(Foreign foreign) {
  if (foreign == Foreign::http) return kHttpAnswer;
  return foreign == Foreign::header_framing ? kFramingAnswer : std::string_view();
}

std::string_view reason(Foreign foreign) {
  switch (foreign) {
    case Foreign::http:
      return "HTTP on a line port";
    case Foreign::tls:
      return "TLS on a plain port";
    case Foreign::telnet:
      return "Telnet negotiation on a line port";
    case Foreign::header_framing:
      return "header-framed JSON-RPC on a line port";
    case Foreign::none:
      break;
  }
  return "";
}

}  // namespace linegate::wire
