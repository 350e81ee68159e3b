// Takes a base_url apart (BaseUrl of config_address.h).
#include <algorithm>
#include <cctype>

#include "daemon/config_address.h"
#include "daemon/template.h"

namespace linegate::daemon {
namespace {

// Where one of `wanted` stands outside of `${...}`, whose files have slashes; npos if nowhere.
std::size_t find_outside(std::string_view text, std::string_view wanted, bool last = false) {
  std::size_t found = std::string_view::npos;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) {
      i = std::min(text.find('}', i), text.size() - 1);
    } else if (wanted.find(text[i]) != std::string_view::npos) {
      found = i;
      if (!last) return found;
    }
  }
  return found;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    out += low >= 0 ? static_cast<char>(high * 16 + low) : text[i];
    if (low >= 0) i += 2;
  }
  return out;
}

class Parser {
 public:
  explicit Parser(std::vector<std::string>& secrets) : secrets_(secrets) {}

  BaseUrl run(std::string_view text) {
    std::string_view rest = take_scheme(text);
    std::size_t end = std::min(find_outside(rest, "/?#"), rest.size());
    take_authority(rest.substr(0, end));
    take_path(rest.substr(end));
    return std::move(url_);
  }

 private:
  void fail(const std::string& why) {
    if (url_.error.empty()) url_.error = why;
  }

  std::string_view take_scheme(std::string_view text) {
    std::size_t end = text.find("://");
    std::string scheme(text.substr(0, end));
    std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    if (end == std::string_view::npos || (scheme != "http" && scheme != "https")) {
      fail("must begin with \"https://\" or \"http://\"");
      return "";
    }
    url_.https = scheme == "https";
    url_.prefix = scheme + "://";
    return text.substr(end + 3);
  }

  void take_authority(std::string_view text) {
    if (std::size_t at = find_outside(text, "@", true); at != std::string_view::npos) {
      take_user_info(text.substr(0, at));
      text.remove_prefix(at + 1);
    }
    if (text.find("${") != std::string_view::npos) return fail("can have a secret in its user-info only");
    auto split = split_host_port(text);
    if (!split || !is_host(split->host)) return fail("needs a host, in ASCII, and after \":\" a port");
    if (split->port == 0) return fail("needs a port between 1 and 65535");
    url_.host = split->host;
    std::transform(url_.host.begin(), url_.host.end(), url_.host.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    std::uint16_t standard = url_.https ? 443 : 80;
    url_.port = split->port.value_or(standard);
    bool v6 = url_.host.find(':') != std::string::npos;
    url_.prefix += v6 ? '[' + url_.host + ']' : url_.host;
    if (url_.port != standard) url_.prefix += ':' + std::to_string(url_.port);
  }

  void take_user_info(std::string_view text) {
    std::size_t colon = find_outside(text, ":");
    std::string user = resolve(text.substr(0, colon));
    std::string password = colon == std::string_view::npos ? "" : resolve(text.substr(colon + 1));
    if (user.find(':') != std::string::npos) return fail("cannot have a \":\" in its user name");
    if (!password.empty()) secrets_.push_back(password);
    std::string credentials = base64(user + ':' + password);
    secrets_.push_back(credentials);
    url_.authorization.append("Basic ");
    url_.authorization.append_secret(credentials);
  }

  // Literals are percent-encoded, as in every URL; secrets are as they are.
  std::string resolve(std::string_view text) {
    std::string out;
    while (!text.empty()) {
      if (!text.starts_with("${")) {
        std::size_t end = std::min(text.find("${"), text.size());
        out += percent_decoded(text.substr(0, end));
        text.remove_prefix(end);
        continue;
      }
      std::size_t end = text.find('}');
      if (end == std::string_view::npos) return fail("has \"${\" without \"}\""), "";
      Resolved secret = resolve_secret(text.substr(2, end - 2));
      if (!secret.error.empty()) return fail("cannot be used: " + secret.error), "";
      secrets_.push_back(secret.value);
      out += secret.value;
      text.remove_prefix(end + 1);
    }
    return out;
  }

  void take_path(std::string_view text) {
    if (text.find_first_of("?#") != std::string_view::npos) return fail("cannot have a query or a fragment");
    if (text.find_first_of("{}") != std::string_view::npos) return fail("cannot have a template in its path");
    auto path = Template::compile(text, Place::path, {}, secrets_);
    if (!path.error.empty()) return fail("cannot be used: " + path.error);
    for (const Template::Piece& piece : path.value.pieces()) url_.prefix += piece.bytes;
    while (url_.prefix.ends_with('/') && !text.empty()) url_.prefix.pop_back();
  }

  std::vector<std::string>& secrets_;
  BaseUrl url_;
};

}  // namespace

BaseUrl parse_base_url(std::string_view text, std::vector<std::string>& secrets) {
  return Parser(secrets).run(text);
}

}  // namespace linegate::daemon
