// URLs as far as a client needs them: percent-encoding, query strings, and a URL cut into where to connect
// and what to ask for there. Splitting is libcurl's own URL parser; sends nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linegate {

// Names and values in their order; a name may repeat.
using Fields = std::vector<std::pair<std::string, std::string>>;

// Everything but RFC 3986's unreserved characters (section 2.3: ALPHA DIGIT - . _ ~) becomes %HH.
void append_percent_encoded(std::string& out, std::string_view text);
std::string percent_encoded(std::string_view text);

// "a=1&b=x%20y": names and values percent-encoded. It is valid in a URL's query and as a form's body.
std::string query_string(const Fields& fields);

// A http or https URL in two parts.
struct Url {
  std::string
      origin;  // "https://user:pw@api.example:8443": lower-case scheme and host, the port always there
  std::string scheme;  // "http" or "https"
  std::string host;    // without user-info; an IPv6 address in brackets
  std::uint16_t port = 0;
  std::string target;  // "/path?query" as it goes out: begins with "/", dot segments kept, no fragment
};

// nullopt: not an absolute http or https URL. Bytes that a URL cannot hold (a space, non-ASCII) are
// percent-encoded in path and query; control characters are refused. "http://h:0/" and an empty host are
// refused.
std::optional<Url> parse_url(const std::string& text);

// `reference` (a Location header, RFC 9110 section 10.2.2) seen from `base`; nullopt as above.
std::optional<Url> resolve_reference(const Url& base, const std::string& reference);

// Adds fields to "/path?query", behind what is there.
void append_query(std::string& target, const Fields& fields);

// The "/path?query" of a whole URL that has no fragment, without checking it: what follows the authority. "/"
// if empty.
std::string_view target_of(std::string_view url);

// Whether `target` may stand in a request line: begins with "/", printable ASCII without spaces.
bool valid_target(std::string_view target);

}  // namespace linegate
