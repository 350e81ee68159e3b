#include "daemon/demo_api.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>

#include <stdexcept>
#include <utility>

namespace linegate::daemon {
namespace {

constexpr unsigned kMaxConnections = 1'000;
constexpr unsigned kIdleSeconds = 120;  // above the gateway's max_idle, which therefore closes first
constexpr int kRunsInARow = 8;

}  // namespace

// Made when a request's head is there, freed by libmicrohttpd's last callback for it. Linked while its answer
// waits.
struct DemoApi::Exchange final : Link, Timer {
  Exchange(DemoApi& owner, MHD_Connection* peer)
      : Timer(owner.loop_.timers()), api(owner), connection(peer) {}

  void take(const char* bytes, std::size_t size) {
    if (request.body.size() <= DemoAnswers::kMaxBody) request.body.append(bytes, size);
  }

  void delay() {
    api.delayed_.push_back(*this);
    arm(Clock::now() + answer.delay);
    MHD_suspend_connection(connection);
  }

  void on_timer() override {
    resume();
    api.run();  // may free this
  }

  void resume() {
    unlink();
    cancel();
    MHD_resume_connection(connection);
  }

  MHD_Result send() {
    MHD_Response* response =
        MHD_create_response_from_buffer(answer.body.size(), answer.body.data(), MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", answer.type.c_str());
    for (auto& [name, value] : answer.headers) MHD_add_response_header(response, name.c_str(), value.c_str());
    MHD_Result queued = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return queued;
  }

  DemoApi& api;
  MHD_Connection* connection;
  DemoRequest request;
  DemoAnswer answer;
  bool answered = false;
};

struct DemoApi::Daemon {
  // Called once with the head, then for each piece of the body, then once more, and again after a delay.
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* path, const char* method,
                               const char*, const char* bytes, std::size_t* size, void** state) {
    if (!*state) {
      *state = begin(*static_cast<DemoApi*>(self), connection, path, method);
      return MHD_YES;
    }
    auto& exchange = *static_cast<Exchange*>(*state);
    if (*size > 0) {
      exchange.take(bytes, std::exchange(*size, 0));
      return MHD_YES;
    }
    return finish(exchange);
  }

  static Exchange* begin(DemoApi& api, MHD_Connection* connection, const char* path, const char* method) {
    auto* exchange = new Exchange(api, connection);
    exchange->request.method = method;
    exchange->request.path = path;
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, on_argument, &exchange->request);
    return exchange;
  }

  static MHD_Result on_argument(void* request, MHD_ValueKind, const char* key, const char* value) {
    static_cast<DemoRequest*>(request)->query.emplace(key, value ? value : "");
    return MHD_YES;
  }

  static MHD_Result finish(Exchange& exchange) {
    if (exchange.answered) return exchange.send();
    exchange.answer = exchange.api.answers_->answer(exchange.request);
    exchange.answered = true;
    if (exchange.answer.delay <= Duration::zero()) return exchange.send();
    exchange.delay();
    return MHD_YES;
  }

  static void on_completed(void*, MHD_Connection*, void** state, MHD_RequestTerminationCode) {
    delete static_cast<Exchange*>(std::exchange(*state, nullptr));
  }
};

DemoApi::DemoApi(Loop& loop) : loop_(loop), wake_(loop, *this) {
  listen();
  watch();
}

DemoApi::~DemoApi() {
  while (!delayed_.empty()) delayed_.front().resume();  // it refuses to stop while a connection is suspended
  watch_.reset();
  MHD_stop_daemon(daemon_);
}

void DemoApi::listen() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  daemon_ = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr,
                             &Daemon::on_request, this, MHD_OPTION_SOCK_ADDR,
                             reinterpret_cast<sockaddr*>(&address), MHD_OPTION_NOTIFY_COMPLETED,
                             &Daemon::on_completed, nullptr, MHD_OPTION_CONNECTION_LIMIT, kMaxConnections,
                             MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_END);
  if (!daemon_) throw std::runtime_error("the demo's API cannot listen on 127.0.0.1");
  url_ = "http://127.0.0.1:" + std::to_string(MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port);
  answers_ = std::make_unique<DemoAnswers>(url_);
}

void DemoApi::watch() {
  watch_.reset(new Watch{{}, this});
  int fd = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  uv_poll_init(loop_.uv(), &watch_->poll, fd);
  watch_->poll.data = watch_.get();
  uv_poll_start(&watch_->poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
    auto* api = static_cast<Watch*>(poll->data)->api;
    if (api) api->run();
  });
}

void DemoApi::run() {
  MHD_UNSIGNED_LONG_LONG ms = 0;
  bool timed = true;
  for (int i = 0; i < kRunsInARow && timed && ms == 0; ++i) {
    MHD_run(daemon_);
    timed = MHD_get_timeout(daemon_, &ms) == MHD_YES;
  }
  wake_.cancel();
  if (timed) wake_.arm(Clock::now() + std::chrono::milliseconds(ms == 0 ? 1 : ms));
}

}  // namespace linegate::daemon
