#include "http/url.h"

#include <curl/curl.h>

#include <memory>

namespace linegate {
namespace {

using Parser = std::unique_ptr<CURLU, void (*)(CURLU*)>;
constexpr unsigned kFlags = CURLU_PATH_AS_IS | CURLU_ALLOW_SPACE;
constexpr char kHex[] = "0123456789ABCDEF";

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool unreserved(char c) {
  return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// What cannot stand in a request target, but is found in URLs that people write.
bool must_be_escaped(char c) {
  return c <= ' ' || c >= 0x7f || std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos;
}

void append_escaped(std::string& out, char c) {
  auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

std::string part(const Parser& parser, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(parser.get(), which, &text, flags) != CURLUE_OK) return {};
  std::string result(text);
  curl_free(text);
  return result;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string user_info(const Parser& parser) {
  std::string user = part(parser, CURLUPART_USER);
  std::string password = part(parser, CURLUPART_PASSWORD);
  if (user.empty() && password.empty()) return {};
  return password.empty() ? user + "@" : user + ":" + password + "@";
}

std::string target(const Parser& parser) {
  std::string raw = part(parser, CURLUPART_PATH);
  std::string query = part(parser, CURLUPART_QUERY);
  if (!query.empty()) raw += "?" + query;
  std::string result;
  for (char c : raw) {
    if (must_be_escaped(c)) {
      append_escaped(result, c);
    } else {
      result += c;
    }
  }
  return result.starts_with('/') ? result : "/" + result;
}

std::optional<std::uint16_t> port(const Parser& parser) {
  std::string text = part(parser, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  unsigned value = 0;
  for (char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
  if (text.empty() || text.size() > 5 || value == 0 || value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

// A name (IDN included), an IPv4 address, or an IPv6 address in brackets. libcurl decodes %HH in hosts, each
// time anew.
bool is_host(std::string_view host) {
  bool numeric = host.starts_with('[');
  for (char c : host) {
    bool fits =
        numeric ? is_alnum(c) || std::string_view("[]:.").find(c) != std::string_view::npos
                : is_alnum(c) || c == '-' || c == '.' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
    if (!fits) return false;
  }
  return !host.empty();
}

std::optional<Url> take_apart(const Parser& parser) {
  Url url;
  url.scheme = lower(part(parser, CURLUPART_SCHEME));
  url.host = lower(part(parser, CURLUPART_HOST));
  auto number = port(parser);
  if ((url.scheme != "http" && url.scheme != "https") || !is_host(url.host) || !number) return std::nullopt;
  url.port = *number;
  url.origin = url.scheme + "://" + user_info(parser) + url.host + ":" + std::to_string(url.port);
  url.target = target(parser);
  return url;
}

bool printable_only(std::string_view text) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return false;
  }
  return true;
}

bool set(const Parser& parser, const std::string& text, unsigned flags = kFlags) {
  return parser && printable_only(text) &&
         curl_url_set(parser.get(), CURLUPART_URL, text.c_str(), flags) == CURLUE_OK;
}

}  // namespace

void append_percent_encoded(std::string& out, std::string_view text) {
  for (char c : text) {
    if (unreserved(c)) {
      out += c;
    } else {
      append_escaped(out, c);
    }
  }
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  append_percent_encoded(out, text);
  return out;
}

std::string query_string(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    append_percent_encoded(out, name);
    out += '=';
    append_percent_encoded(out, value);
  }
  return out;
}

std::optional<Url> parse_url(const std::string& text) {
  std::size_t scheme_end = text.find("://");
  if (scheme_end == text.npos || text.compare(scheme_end + 3, 1, "/") == 0)
    return std::nullopt;  // libcurl is lenient
  Parser parser(curl_url(), curl_url_cleanup);
  if (!set(parser, text)) return std::nullopt;
  return take_apart(parser);
}

std::optional<Url> resolve_reference(const Url& base, const std::string& reference) {
  Parser parser(curl_url(), curl_url_cleanup);
  if (!set(parser, base.origin + base.target)) return std::nullopt;
  if (!set(parser, reference, kFlags & ~CURLU_PATH_AS_IS)) return std::nullopt;  // RFC 3986 section 5.2.4
  return take_apart(parser);
}

void append_query(std::string& target, const Fields& fields) {
  if (fields.empty()) return;
  target += target.find('?') == target.npos ? '?' : '&';
  target += query_string(fields);
}

std::string_view target_of(std::string_view url) {
  std::size_t authority = url.find("://");
  std::size_t path = authority == url.npos ? url.npos : url.find('/', authority + 3);
  return path == url.npos ? "/" : url.substr(path);
}

bool valid_target(std::string_view target) {
  if (target.empty() || target.front() != '/') return false;
  for (char c : target) {
    if (c <= ' ' || c >= 0x7f) return false;
  }
  return true;
}

}  // namespace linegate
