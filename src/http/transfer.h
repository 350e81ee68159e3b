// Transfer: one request in flight, from choosing an address to the last byte of the body. Awaited once;
// destroying it cancels it. It has one timer, which is set to whichever of its clocks runs out next. Owned by
// the frame that awaits it.
//
//   Transfer transfer(multi, origin, request, options, connect, addresses, response);
//   co_await transfer;  // response says what came of it
#pragma once

#include <curl/curl.h>

#include <coroutine>
#include <memory>
#include <string_view>

#include "base/compiler.h"
#include "coro/run_queue.h"
#include "http/easy.h"
#include "http/multi.h"
#include "http/origin.h"
#include "http/request.h"
#include "http/response.h"
#include "loop/timers.h"

namespace linegate {

class Transfer final : Timer {
 public:
  // `request` and `options` must outlive it. `connect` has been running since before the name was looked up.
  // `addresses` are tried in order until one accepts the connection; empty = libcurl finds one.
  Transfer(Multi& multi, Origin& origin, const Request& request, const SendOptions& options, Deadline connect,
           Addresses addresses, Response& response);
  ~Transfer() override;

  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> frame);
  void await_resume() {}

  // What libcurl reports, by way of Multi and Easy. None of these runs user code.
  void on_done(CURLcode result);
  bool on_request_start();                         // PREREQFUNCTION; false = stop
  bool on_header(std::string_view line);           // false = stop
  bool on_body(const char* bytes, std::size_t n);  // false = stop

 private:
  enum class Stop { none, resent, too_large, memory, headers };  // why we made libcurl stop

  void on_timer() override;
  void connect_next();
  bool try_another_address(CURLcode result);
  void give_up_address();
  void arm();
  void enter(Phase phase);
  Expiry next_expiry() const;
  void begin_headers(int status);
  void reserve_body();
  void detach(bool reusable);
  void fail(HttpError error);
  void finish();
  HttpError describe(CURLcode result) const;
  HttpError describe_stop() const;
  bool reused_connection() const;
  bool cut_http2_stream() const;
  bool cut_gzip_stream() const;

  Multi& multi_;
  Loop& loop_;
  Origin& origin_;
  const Request& request_;
  const SendOptions& options_;
  Deadline connect_;
  Addresses addresses_;
  std::size_t address_ = 0;           // index of the one in use
  Time address_until_ = Time::max();  // then the next one is tried
  std::unique_ptr<Easy> easy_;
  bool added_ = false;  // to the multi
  Phase phase_ = Phase::connect;
  Stop stop_ = Stop::none;
  bool in_headers_ = false;
  std::size_t header_bytes_ = 0;
  Time started_;
  Time sent_at_{};
  Deadline first_byte_;
  Response& response_;
  Waiter waiter_;
};

}  // namespace linegate
