// The demo's REST API: a small HTTP server on the gateway's own loop, so that `linegate demo` works offline.
// libmicrohttpd without a thread: its epoll descriptor is watched by the loop. Only demo_api.cc knows it.
#pragma once

#include <uv.h>

#include <memory>
#include <string>

#include "base/link.h"
#include "daemon/demo_answers.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "loop/timers.h"

struct MHD_Daemon;

namespace linegate::daemon {

class DemoApi {
 public:
  // Listens on a free port of 127.0.0.1. Throws std::runtime_error where that fails.
  explicit DemoApi(Loop& loop);
  DemoApi(const DemoApi&) = delete;
  DemoApi& operator=(const DemoApi&) = delete;
  // Drops its connections, delayed answers included.
  ~DemoApi();

  const std::string& url() const { return url_; }  // "http://127.0.0.1:41234"

 private:
  struct Exchange;  // one request and its answer
  struct Daemon;    // libmicrohttpd's callbacks
  struct Watch {    // of libmicrohttpd's epoll descriptor
    uv_poll_t poll;
    DemoApi* api;
    uv_handle_t* uv_handle() { return reinterpret_cast<uv_handle_t*>(&poll); }
    void closing() { api = nullptr; }
  };
  class Wake final : public Timer {  // when libmicrohttpd wants to run without an event
   public:
    Wake(Loop& loop, DemoApi& api) : Timer(loop.timers()), api_(api) {}

   private:
    void on_timer() override { api_.run(); }
    DemoApi& api_;
  };

  void listen();
  void watch();
  void run();

  Loop& loop_;
  Wake wake_;
  std::string url_;
  std::unique_ptr<DemoAnswers> answers_;
  List<Exchange> delayed_;
  MHD_Daemon* daemon_ = nullptr;
  Handle<Watch> watch_;
};

}  // namespace linegate::daemon
