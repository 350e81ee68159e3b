// Accepts, reads requests, answers them when they are due.
#include "stub/server.h"

#include <utility>

#include "common/sockets.h"

namespace bench {
namespace {
constexpr int kEvents = 256;
}

StubServer::StubServer(const StubOptions& options, Delay delay, Answers answers)
    : options_(options),
      delay_(std::move(delay)),
      answers_(std::move(answers)),
      epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      listener_(listen_on(options.port)),
      space_(64 * 1024) {
  watch(epoll_, EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
}

void StubServer::run() {
  epoll_event events[kEvents];
  for (;;) {
    const std::int64_t left = until_due();
    const timespec timeout{std::time_t(left / 1'000'000'000), long(left % 1'000'000'000)};
    const int n = epoll_pwait2(epoll_, events, kEvents, left < 0 ? nullptr : &timeout, nullptr);
    if (n < 0 && errno != EINTR) fail("epoll_pwait2");
    for (int i = 0; i < n; ++i) {
      if (events[i].data.ptr == nullptr) {
        accept_all();
      } else {
        serve(static_cast<Connection*>(events[i].data.ptr), events[i].events);
      }
    }
    answer_due();
  }
}

std::int64_t StubServer::until_due() const {
  if (due_.empty()) return -1;
  const std::uint64_t now = now_ns();
  return due_.top().at > now ? std::int64_t(due_.top().at - now) : 0;
}

void StubServer::accept_all() {
  for (int fd = accept_from(listener_); fd >= 0; fd = accept_from(listener_)) {
    if (options_.max_connections > 0 && open_ == options_.max_connections) {
      close(fd);
      continue;
    }
    ++open_;
    watch(epoll_, EPOLL_CTL_ADD, fd, EPOLLIN, new Connection{fd, {}, {}});
  }
}

void StubServer::serve(Connection* connection, std::uint32_t events) {
  if ((events & ~EPOLLOUT) != 0 && !read(*connection)) return close_connection(connection);
  if ((events & EPOLLOUT) != 0) flush(*connection);
}

bool StubServer::read(Connection& connection) {
  const ssize_t n = recv(connection.fd, space_.data(), space_.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (n <= 0) return false;
  connection.in.append(space_.data(), std::size_t(n));
  work(connection);
  return true;
}

// Takes the next whole request, if none is being worked on.
void StubServer::work(Connection& connection) {
  while (!connection.waiting && connection.in.find("\r\n\r\n") != std::string::npos) {
    if (tell_calls(connection)) continue;
    ++calls_;
    if (delay_.none()) {
      answer(connection);
      continue;
    }
    connection.waiting = true;
    due_.push({now_ns() + delay_.next(), &connection});
  }
  flush(connection);
}

bool StubServer::tell_calls(Connection& connection) const {
  if (!connection.in.starts_with("GET /calls ")) return false;
  const std::string body = "{\"calls\":" + std::to_string(calls_) + "}";
  connection.out +=
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  connection.in.erase(0, connection.in.find("\r\n\r\n") + 4);
  return true;
}

void StubServer::answer(Connection& connection) {
  const auto end = connection.in.find("\r\n\r\n");
  answers_.append(std::string_view(connection.in).substr(0, connection.in.find("\r\n")), connection.out);
  connection.in.erase(0, end + 4);
}

void StubServer::answer_due() {
  const std::uint64_t now = due_.empty() ? 0 : now_ns();
  while (!due_.empty() && due_.top().at <= now) {
    Connection* connection = due_.top().connection;
    due_.pop();
    connection->waiting = false;
    if (connection->gone) {
      delete connection;
      continue;
    }
    answer(*connection);
    work(*connection);
  }
}

void StubServer::flush(Connection& connection) {
  while (!connection.out.empty()) {
    const ssize_t n =
        send(connection.fd, connection.out.data(), connection.out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) connection.out.clear();  // the reading side will see the end
    if (n < 0) break;
    connection.out.erase(0, std::size_t(n));
  }
  const bool more = !connection.out.empty();
  if (more == connection.watched_for_write) return;
  connection.watched_for_write = more;
  watch(epoll_, EPOLL_CTL_MOD, connection.fd, more ? EPOLLIN | EPOLLOUT : EPOLLIN, &connection);
}

// A connection that is due later is deleted then.
void StubServer::close_connection(Connection* connection) {
  close(connection->fd);
  --open_;
  if (connection->waiting) {
    connection->gone = true;
  } else {
    delete connection;
  }
}

}  // namespace bench
