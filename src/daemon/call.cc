#include "daemon/call.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "base/units.h"
#include "daemon/call_line.h"
#include "net/address.h"

namespace linegate::daemon {
namespace {

int complain(int code, const std::string& sentence) {
  std::fprintf(stderr, "linegate: %s\n", sentence.c_str());
  return code;
}

// A non-blocking socket. What fails returns false or -1 with the reason in errno; ETIMEDOUT = the deadline.
class Connection {
 public:
  explicit Connection(Time deadline) : deadline_(deadline) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool open(const sockaddr* address, socklen_t size) {
    close();
    fd_ = ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return false;
    if (::connect(fd_, address, size) == 0) return true;
    return errno == EINPROGRESS && wait(POLLOUT) && connected();
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
      if (n < 0 && !try_again(POLLOUT)) return false;
    }
    return true;
  }

  void end_input() { ::shutdown(fd_, SHUT_WR); }

  ssize_t receive(char* into, std::size_t size) {
    for (;;) {
      ssize_t n = ::recv(fd_, into, size, 0);
      if (n >= 0 || !try_again(POLLIN)) return n;
    }
  }

 private:
  bool connected() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    return error == 0;
  }

  bool try_again(short events) { return errno == EINTR || (errno == EAGAIN && wait(events)); }

  bool wait(short events) {
    pollfd ready{fd_, events, 0};
    for (;;) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
      int n = ::poll(&ready, 1, static_cast<int>(std::clamp<long long>(left, 0, 3'600'000)));
      if (n > 0) return true;
      if (n < 0 && errno != EINTR) return false;
      if (Clock::now() < deadline_) continue;
      errno = ETIMEDOUT;
      return false;
    }
  }

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  Time deadline_;
  int fd_ = -1;
};

// Empty = connected, else why not.
std::string connect_unix(Connection& connection, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return "the path is too long";
  std::memcpy(address.sun_path, path.data(), path.size());
  bool open = connection.open(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return open ? "" : std::strerror(errno);
}

// A server that listens on all interfaces is reached through the loopback.
std::string reachable(const std::string& host) {
  if (host.empty() || host == "0.0.0.0") return "127.0.0.1";
  return host == "::" ? "::1" : host;
}

std::string connect_tcp(Connection& connection, const Endpoint& to) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int rc = ::getaddrinfo(reachable(to.host).c_str(), std::to_string(to.port).c_str(), &hints, &found);
  if (rc != 0) return ::gai_strerror(rc);
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  for (addrinfo* next = found; next; next = next->ai_next) {
    if (connection.open(next->ai_addr, next->ai_addrlen)) return "";
  }
  return std::strerror(errno);
}

// Prints what comes up to the first LF and returns it. Shorter, without its LF, if the connection ends
// before.
std::string print_line(Connection& connection) {
  std::string line;
  char piece[16 * 1024];
  for (;;) {
    ssize_t n = connection.receive(piece, sizeof piece);
    if (n < 0) return line;
    if (n == 0) errno = 0;
    if (n == 0) return line;
    auto* end = static_cast<char*>(std::memchr(piece, '\n', static_cast<std::size_t>(n)));
    std::size_t size = end ? static_cast<std::size_t>(end - piece) + 1 : static_cast<std::size_t>(n);
    std::fwrite(piece, 1, size, stdout);
    line.append(piece, size);
    if (end) return line;
  }
}

int receive_answer(Connection& connection, const CallLine& line, const CallOptions& options) {
  std::string reply = print_line(connection);
  int reason = errno;
  std::fflush(stdout);
  if (reply.ends_with('\n')) return is_error_reply(line, reply) ? kCallError : kCallOk;
  if (reason == ETIMEDOUT) return complain(kCallNoAnswer, "no answer within " + to_text(options.timeout));
  if (reason == 0 && reply.empty() && !line.answered) return kCallOk;
  std::string how = reason == 0 ? "the server closed the connection" : std::strerror(reason);
  return complain(kCallNoConnection,
                  how + (reply.empty() ? " without an answer" : " in the middle of the answer"));
}

}  // namespace

int call(const CallOptions& options) {
  CallLine line = make_call_line(options.words);
  if (!line.error.empty()) return complain(kCallUsage, line.error);
  auto to = parse_endpoint(options.to);
  if (!to || (!to->is_unix() && to->port == 0)) {
    return complain(kCallUsage,
                    "cannot call \"" + options.to + "\": expected HOST:PORT, :PORT or unix:/path");
  }
  Connection connection(Clock::now() + options.timeout);
  std::string reason = to->is_unix() ? connect_unix(connection, to->path) : connect_tcp(connection, *to);
  if (!reason.empty()) return complain(kCallNoConnection, "cannot connect to " + options.to + ": " + reason);
  connection.send(line.line + "\n");  // where this fails, the server may have said why before it closed
  if (!line.answered) connection.end_input();
  return receive_answer(connection, line, options);
}

}  // namespace linegate::daemon
