#include "http/multi.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>

#include "http/curl_version.h"
#include "http/easy.h"
#include "http/transfer.h"

namespace linegate {
namespace {

constexpr int kKicks = 16;  // in one go; libcurl asks for a few when it makes a connection
constexpr Duration kWatchdog = 1s;

void init_curl_once() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_ALL); });
}

int curl_bits(std::uint32_t events) {
  int bits = 0;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP)) bits |= CURL_CSELECT_IN;
  if (events & EPOLLOUT) bits |= CURL_CSELECT_OUT;
  if (events & EPOLLERR) bits |= CURL_CSELECT_ERR;
  return bits;
}

}  // namespace

Multi::Multi(Loop& loop, std::size_t max_idle) : loop_(loop), poll_(new Poll{{}, this}) {
  CurlVerdict verdict = check_curl(curl_version_number());
  uv_poll_init(loop.uv(), &poll_->poll, sockets_.descriptor());
  poll_->poll.data = poll_.get();
  if (!verdict.refuse.empty()) throw std::runtime_error(verdict.refuse);
  init_curl_once();
  multi_ = curl_multi_init();
  share_ = curl_share_init();
  if (!multi_ || !share_) throw std::bad_alloc();
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Multi::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Multi::on_timeout);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  // 0 would be libcurl's default, which throws the pool away when nothing runs.
  long idle = static_cast<long>(std::max<std::size_t>(max_idle, 1));
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, idle);
  uv_poll_start(&poll_->poll, UV_READABLE, &Multi::on_poll);
  uv_unref(poll_->uv_handle());
  loop.add(*this, Loop::Stage::transfers);
}

Multi::~Multi() {
  closing_ = true;
  curl_multi_cleanup(multi_);
  curl_share_cleanup(share_);
}

bool Multi::add(CURL* easy) {
  added_ = kick_ = true;
  if (curl_multi_add_handle(multi_, easy) != CURLM_OK) return false;
  if (active_++ == 0) watch_over();
  return true;
}

void Multi::remove(CURL* easy) {
  curl_multi_remove_handle(multi_, easy);
  if (--active_ > 0) return;
  watchdog_.cancel();
  uv_unref(poll_->uv_handle());
}

void Multi::watch_over() {
  uv_ref(poll_->uv_handle());
  watchdog_.arm(loop_.now() + kWatchdog);
}

int Multi::on_socket(CURL*, curl_socket_t fd, int what, void* data, void*) {
  auto& self = *static_cast<Multi*>(data);
  if (what == CURL_POLL_REMOVE) {
    self.sockets_.release(fd);
  } else if (!self.closing_) {  // curl_multi_cleanup() asks for sockets that it closes right after
    self.sockets_.want(fd, (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u));
  }
  return 0;
}

int Multi::on_timeout(CURLM*, long ms, void* data) {
  auto& self = *static_cast<Multi*>(data);
  if (self.closing_) return 0;
  // Zero is not answered here, because libcurl would recurse (curl #3537), nor by a timer, which would cost 1
  // ms.
  if (ms <= 0) self.due_.cancel();
  if (ms == 0) self.kick_ = true;
  if (ms > 0) self.due_.arm(Clock::now() + std::chrono::milliseconds(ms));
  return 0;
}

void Multi::on_poll(uv_poll_t* poll, int, int) {
  Multi* self = static_cast<Poll*>(poll->data)->owner;
  if (self) self->readable_ = true;
}

int Multi::open_socket(const curl_sockaddr& address, bool watch_idle) {
  int fd = ::socket(address.family, address.socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.protocol);
  if (fd >= 0) sockets_.opened(fd, watch_idle);
  return fd;
}

int Multi::close_socket(int fd) {
  sockets_.closed(fd);
  return ::close(fd);
}

bool Multi::before_sleep() {
  if (!readable_ && !kick_) return false;
  // Before new transfers choose a connection, too: what has arrived on idle ones must be known by then.
  if (readable_ || added_) handle_sockets();
  readable_ = added_ = false;
  run_due();
  drain();
  return true;
}

void Multi::handle_sockets() {
  auto ready = sockets_.poll();
  // Idle ones first: each call below lets libcurl start transfers, which choose among them.
  for (const auto& one : ready) {
    if (sockets_.current(one) && sockets_.idle(one)) sockets_.retire(one.fd, loop_.scratch());
  }
  for (const auto& one : ready) act(one);
}

void Multi::act(const SocketSet::Ready& ready) {
  if (!sockets_.current(ready) || sockets_.idle(ready)) return;
  int running = 0;
  curl_multi_socket_action(multi_, ready.fd, curl_bits(ready.events), &running);
}

void Multi::run_due() {
  for (int i = 0; kick_ && i < kKicks; ++i) {
    kick_ = false;
    int running = 0;
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  if (active_ > 0 && !watchdog_.armed()) watchdog_.arm(loop_.now() + kWatchdog);
}

void Multi::drain() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode result = message->data.result;  // the message dies with remove()
    char* easy = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &easy);
    reinterpret_cast<Easy*>(easy)->transfer->on_done(result);
  }
}

}  // namespace linegate
