#include "http/transfer.h"

#include <algorithm>
#include <utility>

#include "http/curl_error.h"
#include "json/checker.h"

namespace linegate {
namespace {

constexpr std::size_t kMaxReserve = std::size_t{4} << 20;  // for a Content-Length that nobody has proved yet
constexpr std::size_t kMaxShares = 3;                      // of the connect clock

template <typename T>
T get_info(CURL* curl, CURLINFO info) {
  T value{};
  curl_easy_getinfo(curl, info, &value);
  return value;
}

// "HTTP/1.1 200 OK" -> 200; 0 if it is none.
int status_of(std::string_view line) {
  std::size_t space = line.find(' ');
  if (space == line.npos || line.size() < space + 4) return 0;
  int status = 0;
  for (char c : line.substr(space + 1, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status;
}

bool may_differ_elsewhere(CURLcode result) {
  return result == CURLE_SSL_CONNECT_ERROR || kind_before_sent(result) == ErrorKind::connect;
}

}  // namespace

Transfer::Transfer(Multi& multi, Origin& origin, const Request& request, const SendOptions& options,
                   Deadline connect, Addresses addresses, Response& response)
    : Timer(multi.loop().timers()),
      multi_(multi),
      loop_(multi.loop()),
      origin_(origin),
      request_(request),
      options_(options),
      connect_(connect),
      addresses_(std::move(addresses)),
      started_(loop_.now()),
      response_(response) {
  response_.charge = Charge(options.budget);
}

Transfer::~Transfer() {
  detach(false);
}

void Transfer::await_suspend(std::coroutine_handle<> frame) {
  waiter_.frame = frame;
  enter(Phase::connect);
  easy_ = origin_.take();
  easy_->transfer = this;
  if (easy_->prepare(origin_, request_, options_)) return connect_next();
  HttpError error;
  error.kind = ErrorKind::bad_request;
  error.message = "libcurl refuses the request";
  fail(std::move(error));
}

// ---- addresses

void Transfer::connect_next() {
  bool ok = addresses_.empty() || easy_->set_address(origin_, addresses_[address_]);
  std::size_t left = std::min(addresses_.size() - address_, kMaxShares);
  bool shared = left > 1 && connect_.at != Time::max();
  auto share = std::max(connect_.at - loop_.now(), Duration::zero()) /
               static_cast<int>(std::max(left, std::size_t{1}));
  address_until_ = shared ? loop_.now() + share : Time::max();
  arm();
  added_ = ok && multi_.add(*easy_);
  if (!added_) fail(describe(CURLE_FAILED_INIT));
}

void Transfer::give_up_address() {
  origin_.resolver().failed(origin_.connect_host(), addresses_[address_], loop_.now());
}

// Nothing has been sent yet, so this is still the same attempt.
bool Transfer::try_another_address(CURLcode result) {
  if (phase_ != Phase::connect || addresses_.empty() || !may_differ_elsewhere(result)) return false;
  give_up_address();
  if (address_ + 1 >= addresses_.size()) return false;
  ++address_;
  multi_.remove(*easy_);
  added_ = false;
  easy_->clear_error();
  connect_next();
  return true;
}

// ---- clocks

void Transfer::enter(Phase phase) {
  phase_ = phase;
  // Forward only: where two race, the one that is ahead says where the call is.
  if (options_.progress) options_.progress->phase = std::max(options_.progress->phase, phase);
}

Expiry Transfer::next_expiry() const {
  Expiry current;
  if (phase_ == Phase::connect) current = {connect_, Limit::connect};
  if (phase_ == Phase::first_byte) current = {first_byte_, Limit::first_byte};
  return earliest(current, options_.clocks);
}

void Transfer::arm() {
  Time at = std::min(next_expiry().deadline.at, address_until_);
  if (at == Time::max()) return cancel();
  Timer::arm(at);
}

void Transfer::on_timer() {
  Expiry expiry = next_expiry();
  if (std::min(expiry.deadline.at, address_until_) > deadline()) return arm();  // it was moved later
  if (address_until_ < expiry.deadline.at && try_another_address(CURLE_COULDNT_CONNECT)) return;
  // A client's short patience says nothing about the address.
  if (expiry.limit == Limit::connect && !addresses_.empty()) give_up_address();
  fail(timeout_error(phase_, expiry, phase_ != Phase::connect));
}

// ---- what libcurl reports

bool Transfer::on_request_start() {
  if (phase_ != Phase::connect) {
    stop_ = Stop::resent;
    return false;
  }
  enter(Phase::first_byte);
  sent_at_ = loop_.now();
  address_until_ = Time::max();
  first_byte_ = deadline_after(sent_at_, options_.clocks.first_byte);
  response_.timings.connect = sent_at_ - started_;
  if (options_.progress) options_.progress->sent = true;
  arm();
  return true;
}

bool Transfer::on_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > Headers::kMaxBytes) {
    stop_ = Stop::headers;
    return false;
  }
  if (response_.status != 0 && !in_headers_) return true;  // a trailer
  if (line.starts_with("HTTP/")) {
    begin_headers(status_of(line));
  } else if (line == "\r\n" || line == "\n") {
    in_headers_ = false;
  } else {
    response_.headers.append_line(line);
  }
  return true;
}

void Transfer::begin_headers(int status) {
  in_headers_ = true;
  response_.headers.clear();
  if (status < 200) return;  // interim: the final one follows
  response_.status = status;
  response_.timings.first_byte = loop_.now() - sent_at_;
  enter(Phase::body);
  arm();
}

bool Transfer::on_body(const char* bytes, std::size_t n) {
  std::string& body = response_.body;
  if (body.empty()) reserve_body();
  if (n > options_.max_body - body.size()) {
    stop_ = Stop::too_large;
    return false;
  }
  if (!response_.charge.grow(n)) {
    stop_ = Stop::memory;
    return false;
  }
  body.append(bytes, n);
  return true;
}

void Transfer::reserve_body() {
  auto announced = get_info<curl_off_t>(easy_->curl(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T);
  if (announced <= 0) return;
  auto size = std::min({static_cast<std::size_t>(announced), options_.max_body, kMaxReserve});
  response_.body.reserve(size + json::kPadding);
}

void Transfer::on_done(CURLcode result) {
  // libcurl takes a head that is cut off for a complete one.
  if (result == CURLE_OK && (in_headers_ || response_.status == 0)) result = CURLE_RECV_ERROR;
  if (result != CURLE_OK) {
    if (!try_another_address(result)) fail(describe(result));
    return;
  }
  if (cut_http2_stream()) return fail(describe(CURLE_PARTIAL_FILE));
  if (cut_gzip_stream()) return fail(describe(CURLE_BAD_CONTENT_ENCODING));
  detach(true);
  finish();
}

// libcurl before 8.10 takes an aborted HTTP/2 stream for a complete one.
bool Transfer::cut_http2_stream() const {
  if (!origin_.options().http2 || request_.method == "HEAD" || response_.status == 304) return false;
  return get_info<curl_off_t>(easy_->curl(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T) >
         get_info<curl_off_t>(easy_->curl(), CURLINFO_SIZE_DOWNLOAD_T);
}

// libcurl takes a gzip stream that ends early for a complete one. What is left of JSON is then no JSON,
// unless nothing is left, which would pass for an empty body.
bool Transfer::cut_gzip_stream() const {
  constexpr curl_off_t kEmptyGzip = 20;
  if (!response_.body.empty() || !response_.headers.get("Content-Encoding")) return false;
  auto received = get_info<curl_off_t>(easy_->curl(), CURLINFO_SIZE_DOWNLOAD_T);
  return received != 0 && received != kEmptyGzip;
}

// ---- the end

void Transfer::detach(bool reusable) {
  cancel();
  if (!easy_) return;
  if (added_) multi_.remove(*easy_);
  added_ = false;
  easy_->transfer = nullptr;
  origin_.give_back(std::move(easy_), reusable);
}

void Transfer::fail(HttpError error) {
  detach(false);
  response_.error = std::move(error);
  response_.charge.release();
  std::string().swap(response_.body);
  finish();
}

void Transfer::finish() {
  response_.timings.total = loop_.now() - started_;
  loop_.queue().post(waiter_);
}

bool Transfer::reused_connection() const {
  return get_info<long>(easy_->curl(), CURLINFO_NUM_CONNECTS) == 0;
}

HttpError Transfer::describe(CURLcode result) const {
  if (stop_ != Stop::none) return describe_stop();
  bool sent = phase_ != Phase::connect;
  ErrorKind kind = sent ? kind_after_sent(result) : kind_before_sent(result);
  if (kind == ErrorKind::timeout) return timeout_error(phase_, next_expiry(), sent);
  HttpError error;
  error.kind = kind;
  error.sent = sent;
  int system_error = sent ? 0 : static_cast<int>(get_info<long>(easy_->curl(), CURLINFO_OS_ERRNO));
  error.message = failure_message(kind, result, easy_->error_text(), system_error);
  error.stale_connection = kind == ErrorKind::reset && header_bytes_ == 0 && reused_connection();
  return error;
}

HttpError Transfer::describe_stop() const {
  HttpError error;
  error.sent = true;
  switch (stop_) {
    case Stop::too_large:
      error.kind = ErrorKind::too_large;
      error.message = "the response has more than " + std::to_string(options_.max_body) + " bytes";
      break;
    case Stop::memory:
      error.kind = ErrorKind::memory;
      error.message = "there is no memory left for the response";
      break;
    case Stop::headers:
      error.kind = ErrorKind::bad_payload;
      error.message =
          "the response has more than " + std::to_string(Headers::kMaxBytes) + " bytes of headers";
      break;
    default:
      error.kind = ErrorKind::reset;
      error.message = "a kept connection was lost before the response began";
      error.stale_connection = header_bytes_ == 0;
  }
  return error;
}

}  // namespace linegate
