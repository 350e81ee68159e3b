#include "http/redirect.h"

#include <string>

namespace linegate {
namespace {

bool harmless(std::string_view name) {
  return same_name(name, "Accept") || same_name(name, "Accept-Language") || same_name(name, "User-Agent");
}

}  // namespace

bool is_redirect(const Response& response) {
  switch (response.error ? 0 : response.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return !response.headers.get("Location")
                  .value_or("")
                  .empty();  // empty: the same document (RFC 3986 4.4)
    default:
      return false;
  }
}

bool same_origin(const Url& one, const Url& other) {
  return one.scheme == other.scheme && one.host == other.host && one.port == other.port;
}

std::optional<Url> redirect_target(const Response& response, const Url& from, const Request& request,
                                   const Redirects& policy) {
  if (!is_redirect(response) || (request.method != "GET" && request.method != "HEAD")) return std::nullopt;
  Url base = from;
  base.target = request.target;
  auto to = resolve_reference(base, std::string(*response.headers.get("Location")));
  if (!to || (from.scheme == "https" && to->scheme == "http")) return std::nullopt;
  if (policy.same_host && !same_origin(*to, from)) return std::nullopt;
  return to;
}

void strip_for_foreign_host(Request& request) {
  Fields kept;
  auto keep = [&](const Fields& fields) {
    for (const auto& field : fields) {
      if (harmless(field.first)) kept.push_back(field);
    }
  };
  keep(request.headers);
  if (request.fixed) keep(request.fixed->fields());
  request.fixed = nullptr;
  request.headers = std::move(kept);
  request.body.clear();
}

OriginOptions options_for_foreign_host(OriginOptions options) {
  options.tls.client_cert.clear();
  options.tls.client_key.clear();
  return options;
}

}  // namespace linegate
