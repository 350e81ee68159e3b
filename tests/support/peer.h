// The other end of a connection, for tests: a socket on the same loop as the server under test, with what
// real peers do wrong (split writes, resets, half-closes, slow reading). Not a client of any protocol.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "coro/run_queue.h"
#include "coro/task.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "net/address.h"

namespace linegate {

struct RawPeerOptions {
  int receive_buffer = 0;      // SO_RCVBUF; 0 = the system's
  const char* from = nullptr;  // the address to connect from, such as "127.0.0.2"
};

class RawPeer {
 public:
  using Options = RawPeerOptions;

  // Connects to "127.0.0.1:4711", "[::1]:4711" or "unix:/path", which is at once done: the kernel answers.
  RawPeer(Loop& loop, const std::string& address, Options options = {}) : loop_(loop) {
    connect(address, options);
  }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;
  ~RawPeer() { close(); }

  // Sends what the kernel takes now; returns how much that was.
  std::size_t send_some(std::string_view bytes) {
    ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 ? 0 : static_cast<std::size_t>(n);
  }
  // For what surely fits.
  void send(std::string_view bytes) {
    if (send_some(bytes) != bytes.size()) throw std::system_error(errno, std::generic_category(), "send");
  }
  // Waits for room; false if the connection is lost.
  Task<bool> send_all(std::string bytes) {
    std::string_view rest = bytes;
    while (!rest.empty()) {
      std::size_t n = send_some(rest);
      if (n == 0 && errno != EAGAIN) co_return false;
      rest.remove_prefix(n);
      if (!rest.empty()) co_await Ready(*this, UV_WRITABLE);
    }
    co_return true;
  }

  // Up to the next LF, which is cut off; at the end of input what is left.
  Task<std::string> read_line() {
    std::size_t end = input_.find('\n');
    while (end == std::string::npos && !ended_) {
      co_await receive(64 * 1024);
      end = input_.find('\n');
    }
    std::string line = input_.substr(0, end);
    input_.erase(0, end == std::string::npos ? end : end + 1);
    co_return line;
  }
  // Everything until the other side ends.
  Task<std::string> read_all() {
    while (!ended_) co_await receive(64 * 1024);
    co_return std::exchange(input_, {});
  }
  // One recv() of at most `n` bytes; "" at the end.
  Task<std::string> read_some(std::size_t n) {
    co_await receive(n);
    co_return std::exchange(input_, {});
  }

  bool ended() const { return ended_; }
  bool was_reset() const { return reset_; }
  int fd() const { return fd_; }

  void half_close() { ::shutdown(fd_, SHUT_WR); }
  // RST instead of FIN.
  void reset() {
    linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void close() {
    watch_.reset();
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  struct Watch {
    uv_poll_t poll;
    Waiter* waiter = nullptr;
    Loop& loop;
    uv_handle_t* uv_handle() { return reinterpret_cast<uv_handle_t*>(&poll); }
    void closing() { waiter = nullptr; }
  };

  class Ready {
   public:
    Ready(RawPeer& peer, int events) : watch_(*peer.watch_), events_(events) {}
    ~Ready() {
      if (watch_.waiter == &waiter_) stop();
    }
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> frame) {
      waiter_.frame = frame;
      watch_.waiter = &waiter_;
      uv_poll_start(&watch_.poll, events_, [](uv_poll_t* poll, int, int) {
        auto& watch = *static_cast<Watch*>(poll->data);
        if (watch.waiter) watch.loop.queue().post(*watch.waiter);
        uv_poll_stop(poll);
      });
    }
    void await_resume() { stop(); }

   private:
    void stop() {
      watch_.waiter = nullptr;
      uv_poll_stop(&watch_.poll);
    }
    Watch& watch_;
    int events_;
    Waiter waiter_;
  };

  Task<> receive(std::size_t n) {
    std::string chunk(n, '\0');
    for (;;) {
      ssize_t got = ::recv(fd_, chunk.data(), n, MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) {
        co_await Ready(*this, UV_READABLE);
        continue;
      }
      reset_ = got < 0;
      ended_ = got <= 0;
      if (got > 0) input_.append(chunk, 0, static_cast<std::size_t>(got));
      co_return;
    }
  }

  void connect(const std::string& address, const Options& options) {
    auto endpoint = parse_endpoint(address);
    sockaddr_storage to{};
    socklen_t size = fill(to, endpoint->host, endpoint->port, endpoint->path);
    fd_ = ::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (options.receive_buffer != 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
    }
    if (options.from) {
      sockaddr_storage from{};
      socklen_t from_size = fill(from, options.from, 0, "");
      if (::bind(fd_, reinterpret_cast<sockaddr*>(&from), from_size) != 0) fail("bind");
    }
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), size) != 0) fail("connect");
    int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch_.reset(new Watch{{}, nullptr, loop_});
    uv_poll_init(loop_.uv(), &watch_->poll, fd_);
    watch_->poll.data = watch_.get();
  }

  void fail(const char* what) {
    int error = errno;
    ::close(std::exchange(fd_, -1));
    throw std::system_error(error, std::generic_category(), what);
  }

  static socklen_t fill(sockaddr_storage& storage, const std::string& host, std::uint16_t port,
                        const std::string& path) {
    if (!path.empty()) {
      auto& local = reinterpret_cast<sockaddr_un&>(storage);
      local.sun_family = AF_UNIX;
      std::memcpy(local.sun_path, path.data(), path.size());
      return sizeof local;
    }
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_port = htons(port);  // at the same place in sockaddr_in6
    if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
      v4.sin_family = AF_INET;
      return sizeof v4;
    }
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr);
    return sizeof v6;
  }

  Loop& loop_;
  int fd_ = -1;
  Handle<Watch> watch_;
  std::string input_;
  bool ended_ = false;
  bool reset_ = false;
};

}  // namespace linegate
