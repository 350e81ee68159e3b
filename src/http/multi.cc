#include "http/multi.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "http/curl_version.h"
#include "http/easy.h"
#include "http/transfer.h"

namespace linegate {
namespace {

constexpr int kKicks = 16;  // in one go; libcurl asks for a few when it makes a connection
constexpr Duration kWatchdog = 1s;
constexpr std::size_t kPerPool = 64;  // transfers at a time

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

struct Multi::Pool {
  Pool(Multi& multi, std::size_t max_idle);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  Multi& owner;
  CURLM* curl;
  std::size_t active = 0;
  bool kick = false;     // wants its timers looked at
  bool touched = false;  // may have something done
  bool expired = false;  // has been unused for long
  bool closing = false;
  Kick due;  // libcurl's own timer
  Kick unused;
};

Multi::Pool::Pool(Multi& multi, std::size_t max_idle)
    : owner(multi), curl(curl_multi_init()), due(multi, kick), unused(multi, expired) {
  if (!curl) throw std::bad_alloc();
  curl_multi_setopt(curl, CURLMOPT_SOCKETFUNCTION, &Multi::on_socket);
  curl_multi_setopt(curl, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(curl, CURLMOPT_TIMERFUNCTION, &Multi::on_timeout);
  curl_multi_setopt(curl, CURLMOPT_TIMERDATA, this);
  // 0 would be libcurl's default, which throws the pool away when nothing runs.
  curl_multi_setopt(curl, CURLMOPT_MAXCONNECTS, static_cast<long>(std::max<std::size_t>(max_idle, 1)));
}

Multi::Pool::~Pool() {
  closing = true;
  curl_multi_cleanup(curl);
  owner.sockets_.disown(this);
}

Multi::Multi(Loop& loop, std::size_t max_idle, Duration keep)
    : loop_(loop), poll_(new Poll{{}, this}), keep_(keep) {
  CurlVerdict verdict = check_curl(curl_version_number());
  uv_poll_init(loop.uv(), &poll_->poll, sockets_.descriptor());
  poll_->poll.data = poll_.get();
  if (!verdict.refuse.empty()) throw std::runtime_error(verdict.refuse);
  init_curl_once();
  share_ = curl_share_init();
  if (!share_) throw std::bad_alloc();
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  pools_.push_back(std::make_unique<Pool>(*this, max_idle));
  uv_poll_start(&poll_->poll, UV_READABLE, &Multi::on_poll);
  uv_unref(poll_->uv_handle());
  loop.add(*this, Loop::Stage::transfers);
}

Multi::~Multi() {
  pools_.clear();
  curl_share_cleanup(share_);
}

bool Multi::add(Easy& easy) {
  Pool& pool = pool_with_room();
  added_ = kick_ = pool.kick = true;
  if (curl_multi_add_handle(pool.curl, easy.curl()) != CURLM_OK) return false;
  easy.pool = &pool;
  pool.unused.cancel();
  ++pool.active;
  if (active_++ == 0) watch_over();
  return true;
}

void Multi::remove(Easy& easy) {
  Pool& pool = *easy.pool;
  curl_multi_remove_handle(pool.curl, easy.curl());
  if (--pool.active == 0 && &pool != pools_.front().get()) pool.unused.arm(time_after(loop_.now(), keep_));
  if (--active_ > 0) return;
  watchdog_.cancel();
  uv_unref(poll_->uv_handle());
}

// The first that has any, so that few connections serve while few are needed.
Multi::Pool& Multi::pool_with_room() {
  for (auto& pool : pools_) {
    if (pool->active < kPerPool) return *pool;
  }
  return *pools_.emplace_back(std::make_unique<Pool>(*this, kPerPool));
}

void Multi::close_unused_pools() {
  std::erase_if(pools_,
                [](const auto& pool) { return std::exchange(pool->expired, false) && pool->active == 0; });
}

void Multi::watch_over() {
  uv_ref(poll_->uv_handle());
  watchdog_.arm(loop_.now() + kWatchdog);
}

int Multi::on_socket(CURL*, curl_socket_t fd, int what, void* data, void*) {
  auto& pool = *static_cast<Pool*>(data);
  SocketSet& sockets = pool.owner.sockets_;
  if (what == CURL_POLL_REMOVE) {
    sockets.release(fd);
  } else if (!pool.closing) {  // curl_multi_cleanup() asks for sockets that it closes right after
    sockets.want(fd, (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u), &pool);
  }
  return 0;
}

int Multi::on_timeout(CURLM*, long ms, void* data) {
  auto& pool = *static_cast<Pool*>(data);
  if (pool.closing) return 0;
  // Zero is not answered here, because libcurl would recurse (curl #3537), nor by a timer, which would cost 1
  // ms.
  if (ms <= 0) pool.due.cancel();
  if (ms == 0) pool.owner.kick_ = pool.kick = true;
  if (ms > 0) pool.due.arm(Clock::now() + std::chrono::milliseconds(ms));
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
  for (std::size_t i = 0; i < pools_.size(); ++i) drain(*pools_[i]);  // what is told may start a new one
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
  auto& pool = *static_cast<Pool*>(sockets_.owner(ready));
  pool.touched = true;
  int running = 0;
  curl_multi_socket_action(pool.curl, ready.fd, curl_bits(ready.events), &running);
}

void Multi::run_due() {
  if (kick_) {
    close_unused_pools();
    const bool all = std::exchange(look_, false);
    bool more = false;
    for (auto& pool : pools_) {
      pool->kick |= all;
      run_due(*pool);
      more |= pool->kick;
    }
    kick_ = more;
  }
  if (active_ > 0 && !watchdog_.armed()) watchdog_.arm(loop_.now() + kWatchdog);
}

void Multi::run_due(Pool& pool) {
  for (int i = 0; pool.kick && i < kKicks; ++i) {
    pool.kick = false;
    pool.touched = true;
    int running = 0;
    curl_multi_socket_action(pool.curl, CURL_SOCKET_TIMEOUT, 0, &running);
  }
}

void Multi::drain(Pool& pool) {
  if (!std::exchange(pool.touched, false)) return;
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(pool.curl, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode result = message->data.result;  // the message dies with remove()
    char* easy = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &easy);
    reinterpret_cast<Easy*>(easy)->transfer->on_done(result);
  }
}

}  // namespace linegate
