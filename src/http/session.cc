#include "http/session.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "http/multi.h"
#include "http/redirect.h"
#include "http/transfer.h"
#include "loop/sleep.h"

namespace linegate {
namespace {

HttpError bad_request(std::string message) {
  HttpError error;
  error.message = std::move(message);
  return error;
}

bool has_field(const Fields& fields, std::string_view name) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const auto& field) { return same_name(field.first, name); });
}

// A sentence if the request must not be handed to libcurl.
const char* why_not(const Request& request) {
  if (!is_token(request.method)) return "the method is not a token";
  if (!valid_target(request.target)) return "the request target has a byte that no URL can hold";
  for (const auto& [name, value] : request.headers) {
    if (!valid_field(name, value)) return "a header field cannot be sent";
  }
  return nullptr;
}

}  // namespace

Body json_body(std::string json) {
  return {std::move(json), "application/json"};
}
Body form_body(const Fields& fields) {
  return {query_string(fields), "application/x-www-form-urlencoded"};
}
Body text_body(std::string text) {
  return {std::move(text), "text/plain; charset=utf-8"};
}

Session::Session(Loop& loop, SessionOptions options)
    : loop_(loop),
      options_(std::move(options)),
      multi_(std::make_unique<Multi>(loop, options_.max_idle_connections, options_.origin.max_idle)),
      places_(loop.queue(), options_.max_transfers ? options_.max_transfers : SIZE_MAX) {
  HeaderList check(options_.headers);
}

Session::~Session() = default;

std::size_t Session::active() const {
  return multi_->active();
}

// ---- get, post, request

Task<Response> Session::get(std::string url, Fields params, RequestOptions options) {
  options.params.insert(options.params.begin(), std::make_move_iterator(params.begin()),
                        std::make_move_iterator(params.end()));
  return request("GET", std::move(url), std::move(options));
}

Task<Response> Session::post(std::string url, Body body, RequestOptions options) {
  options.body = std::move(body);
  return request("POST", std::move(url), std::move(options));
}

Task<Response> Session::request(std::string method, std::string url, RequestOptions options) {
  auto parsed = parse_url(url);
  if (!parsed) co_return Response::failed(bad_request("the URL is not one of http or https"));
  append_query(parsed->target, options.params);
  auto origin = shared_origin(*parsed);
  Request prepared = prepare(std::move(method), std::move(parsed->target), options);
  SendOptions how = send_options(options);
  Response response;
  co_await send(*origin, prepared, how, response);
  if (response.error && response.error->stale_connection && prepared.idempotent()) {
    how.fresh_connection = true;
    co_await send(*origin, prepared, how, response);
  }
  co_return response;
}

Request Session::prepare(std::string method, std::string target, RequestOptions& options) const {
  Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers = std::move(options.headers);
  for (const auto& field : options_.headers) {
    if (!has_field(request.headers, field.first)) request.headers.push_back(field);
  }
  if (!options.body.content_type.empty() && !has_field(request.headers, "Content-Type")) {
    request.headers.emplace_back("Content-Type", std::move(options.body.content_type));
  }
  request.body = std::move(options.body.bytes);
  return request;
}

SendOptions Session::send_options(const RequestOptions& options) const {
  SendOptions how;
  how.clocks.connect = options_.timeout.connect;
  how.clocks.first_byte = options_.timeout.first_byte;
  how.clocks.total = deadline_after(loop_.now(), options.timeout.value_or(options_.timeout.total));
  how.max_body = options_.max_body;
  how.redirects = options.redirects.value_or(options_.redirects);
  return how;
}

std::shared_ptr<Origin> Session::shared_origin(const Url& url) {
  auto found = origins_.find(url.origin);
  if (found != origins_.end()) return found->second;
  if (origins_.size() >= kMaxOrigins)
    std::erase_if(origins_, [](auto& entry) { return entry.second.use_count() == 1; });
  auto origin =
      std::make_shared<Origin>(*multi_, resolver(options_.origin.dns_refresh), url, options_.origin);
  origins_.emplace(url.origin, origin);
  return origin;
}

// ---- the level below

std::unique_ptr<Origin> Session::make_origin(const std::string& url, const OriginOptions& options) {
  auto parsed = parse_url(url);
  if (!parsed) throw std::invalid_argument("not a http or https URL");
  return std::make_unique<Origin>(*multi_, resolver(options.dns_refresh), *parsed, options);
}

Resolver& Session::resolver(Duration refresh) {
  auto& found = resolvers_[refresh];
  if (!found) {
    ResolverOptions options = options_.resolver;
    options.refresh = refresh;
    found = std::make_unique<Resolver>(loop_, std::move(options));
  }
  return *found;
}

Task<Response> Session::send(Origin& origin, const Request& request, const SendOptions& options) {
  Response response;
  co_await send(origin, request, options, response);
  co_return response;
}

// Thousands of these may be under way: what is seldom needed has frames of its own, which clang would make a
// part of this one if those functions were inline.
Task<> Session::send(Origin& origin, const Request& request, const SendOptions& options, Response& response) {
  if (const char* reason = why_not(request)) {
    response = Response::failed(bad_request(reason));
    co_return;
  }
  Time begin = loop_.now();
  Semaphore::Permit place;
  if (places_.free() > 0) {
    place = co_await places_.acquire();
  } else {
    Expiry expiry = earliest({}, options.clocks);
    bool granted = co_await wait_for_place(expiry, place);
    if (!granted) {
      response = Response::failed(timeout_error(Phase::queue, expiry, false));
      co_return;
    }
  }
  Duration queue = loop_.now() - begin;
  co_await send_once(origin, request, options, response);
  if (options.redirects.max > 0 && is_redirect(response)) co_await follow(response, origin, request, options);
  response.timings.queue = queue;
  response.timings.total = loop_.now() - begin;
}

Task<Semaphore::Permit> Session::acquire_place() {
  co_return co_await places_.acquire();
}

[[gnu::noinline]] Task<bool> Session::wait_for_place(Expiry expiry, Semaphore::Permit& place) {
  auto granted = co_await with_timeout(loop_, left(expiry, loop_.now()), acquire_place());
  if (!granted) co_return false;
  place = std::move(*granted);
  co_return true;
}

Task<> Session::send_once(Origin& origin, const Request& request, const SendOptions& options,
                          Response& response) {
  Deadline connect = deadline_after(loop_.now(), options.clocks.connect);
  response = {};
  Addresses addresses;
  if (origin.connect_host().empty()) {
    // libcurl looks the name up
  } else if (const Addresses* known = origin.resolver().cached(origin.connect_host())) {
    addresses = *known;
  } else {
    bool found = co_await look_up(origin, connect, options.clocks, response, addresses);
    if (!found) co_return;
  }
  Transfer transfer(*multi_, origin, request, options, connect, std::move(addresses), response);
  co_await transfer;
}

// False: the response says why not.
[[gnu::noinline]] Task<bool> Session::look_up(Origin& origin, Deadline connect, const Clocks& clocks,
                                              Response& response, Addresses& addresses) {
  std::optional<Resolution> found;
  for (;;) {
    Expiry expiry = earliest({connect, Limit::connect}, clocks);
    if (expiry.deadline.at <= loop_.now()) {
      response = Response::failed(timeout_error(Phase::connect, expiry, false));
      co_return false;
    }
    auto lookup = origin.resolver().resolve(origin.connect_host());
    found = co_await with_timeout(loop_, left(expiry, loop_.now()), std::move(lookup));
    if (found) break;  // else the time is up, unless the deadline was moved meanwhile
  }
  if (!*found) {
    HttpError error = bad_request("the name cannot be resolved: " + found->error);
    error.kind = ErrorKind::dns;
    response = Response::failed(std::move(error));
    co_return false;
  }
  addresses = std::move(found->addresses);
  co_return true;
}

[[gnu::noinline]] Task<> Session::follow(Response& response, Origin& origin, const Request& request,
                                         const SendOptions& options) {
  Request next = request;
  Origin* at = &origin;
  std::unique_ptr<Origin> elsewhere;
  for (unsigned i = 0; i < options.redirects.max; ++i) {
    auto to = redirect_target(response, at->url(), next, options.redirects);
    if (!to) break;
    next.target = to->target;
    if (!same_origin(*to, at->url())) {
      strip_for_foreign_host(next);
      auto moved =
          std::make_unique<Origin>(*multi_, at->resolver(), *to, options_for_foreign_host(at->options()));
      elsewhere.swap(moved);
      at = elsewhere.get();
    }
    co_await send_once(*at, next, options, response);
  }
}

}  // namespace linegate
