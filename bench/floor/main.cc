// The floor: what the socket calls of a line-to-HTTP relay cost when nothing else is done. `item ID` in, GET
// /item/ID out, the body back behind `OK `. No limits, no deadlines, no checks, no libcurl, no JSON: a
// measure, not a server to use.
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/sockets.h"

namespace {

using namespace bench;

struct Socket {
  enum class Kind { listener, client, upstream } kind;
  int fd;
  std::string in, out;
  bool dirty = false;  // has output of this turn
};

struct Client;

// A request keeps its place in the order of its client's replies.
struct Request {
  Client* client;
  std::string path;   // "/item/ID"
  std::string reply;  // empty until it is there
};

struct Client : Socket {
  std::deque<std::unique_ptr<Request>> order;
};

struct Upstream : Socket {
  Request* request = nullptr;
};

class Relay {
 public:
  Relay(int port, int upstream, int connections);
  [[noreturn]] void run();

 private:
  void accept_all();
  void serve(Socket& socket);
  bool read(Socket& socket);
  void take_lines(Client& client);
  void take_response(Upstream& upstream);
  void dispatch();
  void reply_in_order(Client& client);
  void touch(Socket& socket);
  void flush();

  int epoll_;
  Socket listener_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::vector<Upstream*> idle_;
  std::deque<Request*> waiting_;
  std::vector<Socket*> dirty_;
  std::vector<char> space_;
};

Relay::Relay(int port, int upstream, int connections)
    : epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      listener_{Socket::Kind::listener, listen_on(port), {}, {}},
      space_(256 * 1024) {
  for (int i = 0; i < connections; ++i) {
    auto socket = std::make_unique<Upstream>();
    socket->kind = Socket::Kind::upstream;
    socket->fd = connect_to(upstream);
    watch(epoll_, EPOLL_CTL_ADD, socket->fd, EPOLLIN, static_cast<Socket*>(socket.get()));
    idle_.push_back(socket.get());
    upstreams_.push_back(std::move(socket));
  }
  watch(epoll_, EPOLL_CTL_ADD, listener_.fd, EPOLLIN, &listener_);
}

void Relay::run() {
  epoll_event events[256];
  for (;;) {
    const int n = epoll_wait(epoll_, events, 256, dirty_.empty() ? -1 : 1);
    for (int i = 0; i < n; ++i) serve(*static_cast<Socket*>(events[i].data.ptr));
    dispatch();
    flush();
  }
}

void Relay::accept_all() {
  for (int fd = accept_from(listener_.fd); fd >= 0; fd = accept_from(listener_.fd)) {
    auto* client = new Client;  // lives as long as the program: a request may still point to it
    client->kind = Socket::Kind::client;
    client->fd = fd;
    watch(epoll_, EPOLL_CTL_ADD, fd, EPOLLIN, static_cast<Socket*>(client));
  }
}

void Relay::serve(Socket& socket) {
  if (socket.kind == Socket::Kind::listener) return accept_all();
  if (!read(socket)) {
    if (socket.kind == Socket::Kind::upstream) std::exit(1);
    close(socket.fd);
    socket.fd = -1;
  } else if (socket.kind == Socket::Kind::client) {
    take_lines(static_cast<Client&>(socket));
  } else {
    take_response(static_cast<Upstream&>(socket));
  }
}

bool Relay::read(Socket& socket) {
  const ssize_t n = recv(socket.fd, space_.data(), space_.size(), MSG_DONTWAIT);
  if (n > 0) socket.in.append(space_.data(), std::size_t(n));
  return n > 0 || (n < 0 && errno == EAGAIN);
}

// "item ID" and "item ID size=N".
void Relay::take_lines(Client& client) {
  std::size_t from = 0;
  for (auto lf = client.in.find('\n'); lf != std::string::npos; lf = client.in.find('\n', from)) {
    auto request = std::make_unique<Request>(Request{&client, '/' + client.in.substr(from, lf - from), {}});
    if (const auto space = request->path.find(' '); space != std::string::npos) request->path[space] = '/';
    if (const auto space = request->path.find(' '); space != std::string::npos) request->path[space] = '?';
    waiting_.push_back(request.get());
    client.order.push_back(std::move(request));
    from = lf + 1;
  }
  client.in.erase(0, from);
}

void Relay::take_response(Upstream& upstream) {
  const auto head = upstream.in.find("\r\n\r\n");
  if (head == std::string::npos) return;
  const auto field = upstream.in.find("Content-Length: ");
  const std::size_t length = std::strtoul(upstream.in.c_str() + field + 16, nullptr, 10);
  if (upstream.in.size() < head + 4 + length) return;
  Request& request = *upstream.request;
  request.reply.reserve(length + 4);
  request.reply.append("OK ").append(upstream.in, head + 4, length).push_back('\n');
  upstream.in.clear();
  upstream.request = nullptr;
  idle_.push_back(&upstream);
  reply_in_order(*request.client);
}

void Relay::dispatch() {
  while (!waiting_.empty() && !idle_.empty()) {
    Upstream& upstream = *idle_.back();
    idle_.pop_back();
    upstream.request = waiting_.front();
    waiting_.pop_front();
    upstream.out.append("GET ")
        .append(upstream.request->path)
        .append(" HTTP/1.1\r\nHost: api\r\nAccept: */*\r\n\r\n");
    touch(upstream);
  }
}

void Relay::reply_in_order(Client& client) {
  while (!client.order.empty() && !client.order.front()->reply.empty()) {
    client.out += client.order.front()->reply;
    client.order.pop_front();
    touch(client);
  }
}

void Relay::touch(Socket& socket) {
  if (std::exchange(socket.dirty, true)) return;
  dirty_.push_back(&socket);
}

// One write a socket and turn. What a full socket does not take, it is offered again a millisecond later at
// most.
void Relay::flush() {
  std::vector<Socket*> full;
  for (Socket* socket : dirty_) {
    const ssize_t n = send(socket->fd, socket->out.data(), socket->out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    socket->out.erase(0, n > 0 ? std::size_t(n) : 0);
    if (socket->fd < 0) socket->out.clear();
    socket->dirty = !socket->out.empty();
    if (socket->dirty) full.push_back(socket);
  }
  dirty_.swap(full);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: linegate-floor PORT UPSTREAM_PORT UPSTREAM_CONNECTIONS\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  Relay(std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3])).run();
}
