// See route.h.
#include "daemon/route.h"

#include <algorithm>

#include "daemon/config_read.h"

namespace linegate::daemon {
namespace {

using wire::Error;

constexpr std::size_t kUsualUrl = 119;  // with its NUL and the allocator's word a block of 128

// `base` with each field of `over` in place of the one of the same name, else behind.
template <typename Same>
std::vector<Field> merged(const std::vector<Field>& base, const std::vector<Field>& over, Same same) {
  std::vector<Field> out = base;
  for (const Field& field : over) {
    auto at = std::find_if(out.begin(), out.end(),
                           [&](const Field& other) { return same(other.name, field.name); });
    if (at == out.end()) {
      out.push_back(field);
    } else {
      *at = field;
    }
  }
  return out;
}

}  // namespace

Route::Route(const RouteConfig& config, const UpstreamConfig& upstream)
    : config_(config), upstream_(upstream), usage_(daemon::usage(config.name, config.params)) {
  query_ = merged(upstream.query, config.query, std::equal_to<>());
  std::vector<Field> headers = merged(upstream.headers, config.headers, same_header);
  std::copy_if(headers.begin(), headers.end(), std::back_inserter(headers_),
               [](const Field& field) { return !field.value.fixed(); });
  headers.erase(
      std::remove_if(headers.begin(), headers.end(), [](const Field& f) { return !f.value.fixed(); }),
      headers.end());
  collect_fixed_headers(headers);
}

void Route::collect_fixed_headers(const std::vector<Field>& fields) {
  for (const Field& field : fields) {
    Rendered value;
    (void)field.value.render({}, {}, value);  // without parameters nothing can be refused
    if (!value.bytes.empty()) fixed_headers_.push_back({field.name, std::move(value)});
  }
  if (!upstream_.base_url.authorization.bytes.empty())
    add_default_header("Authorization", upstream_.base_url.authorization);
  if (config_.json) add_default_header("Content-Type", {"application/json", {}});
  if (config_.form) add_default_header("Content-Type", {"application/x-www-form-urlencoded", {}});
}

// Unless the config has it, with a parameter or without.
void Route::add_default_header(const std::string& header, const Rendered& value) {
  auto same = [&](const auto& other) { return same_header(other.name, header); };
  if (std::any_of(fixed_headers_.begin(), fixed_headers_.end(), same)) return;
  if (std::any_of(headers_.begin(), headers_.end(), same)) return;
  fixed_headers_.push_back({header, value});
}

std::variant<OutboundRequest, Error> Route::render(const std::vector<Value>& values) const {
  OutboundRequest request;
  request.route = this;
  request.method = config_.method;
  if (auto error = render_url(values, request.url)) return *std::move(error);
  if (auto error = render_headers(values, request.headers)) return *std::move(error);
  if (auto error = render_body(values, request.body)) return *std::move(error);
  return request;
}

std::optional<Error> Route::render_url(const std::vector<Value>& values, Rendered& url) const {
  url.bytes.reserve(kUsualUrl);
  url.append(upstream_.base_url.prefix);
  if (auto error = config_.path.render(config_.params, values, url)) return error;
  return render_fields(query_, values, '?', url);
}

std::optional<Error> Route::render_headers(const std::vector<Value>& values,
                                           std::vector<Header>& headers) const {
  for (const Field& field : headers_) {
    if (!field.value.complete(values)) continue;
    Rendered value;
    if (auto error = field.value.render(config_.params, values, value)) return error;
    if (!value.bytes.empty()) headers.push_back({field.name, std::move(value)});
  }
  return std::nullopt;
}

std::optional<Error> Route::render_body(const std::vector<Value>& values, Rendered& body) const {
  if (config_.json) return config_.json->render(config_.params, values, body);
  if (config_.form) return render_fields(*config_.form, values, '\0', body);
  return std::nullopt;
}

// `separator` stands before the first field, if not NUL; "&" before all others.
std::optional<Error> Route::render_fields(const std::vector<Field>& fields, const std::vector<Value>& values,
                                          char separator, Rendered& out) const {
  for (const Field& field : fields) {
    if (!field.value.complete(values)) continue;
    if (separator != '\0') out.bytes += separator;
    separator = '&';
    out.append(field.name);
    out.bytes += '=';
    if (auto error = field.value.render(config_.params, values, out)) return error;
  }
  return std::nullopt;
}

}  // namespace linegate::daemon
