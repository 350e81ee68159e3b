#include "net/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <system_error>

#include "loop/loop.h"
#include "net/server.h"

namespace linegate {
namespace {

void check(int rc) {
  if (rc < 0) throw std::system_error(-rc, std::generic_category());
}

// A socket file that a dead process left behind is removed; one that somebody listens on is not ours.
void remove_stale_socket(const std::string& path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  bool refused =
      ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  ::close(fd);
  if (refused) ::unlink(path.c_str());
}

}  // namespace

Listener::Listener(Loop& loop, Server& server, Peer::Family family, int socket_family)
    : server_(&server), family_(family) {
  if (family == Peer::Family::local) {
    uv_pipe_init(loop.uv(), &handle_.pipe, 0);
  } else {
    int rc = uv_tcp_init_ex(loop.uv(), &handle_.tcp, static_cast<unsigned>(socket_family));
    if (rc < 0) uv_tcp_init(loop.uv(), &handle_.tcp);  // bind() will say why
  }
  handle_.any.data = this;
}

Handle<Listener> Listener::bind_tcp(Loop& loop, Server& server, const sockaddr* address) {
  auto family = address->sa_family == AF_INET6 ? Peer::Family::ipv6 : Peer::Family::ipv4;
  Handle<Listener> listener(new Listener(loop, server, family, address->sa_family));
  check(uv_tcp_bind(&listener->handle_.tcp, address, 0));
  return listener;
}

Handle<Listener> Listener::bind_unix(Loop& loop, Server& server, const std::string& path, unsigned mode) {
  Handle<Listener> listener(new Listener(loop, server, Peer::Family::local, AF_UNIX));
  remove_stale_socket(path);
  check(uv_pipe_bind(&listener->handle_.pipe, path.c_str()));
  listener->path_ = path;
  if (::chmod(path.c_str(), mode) != 0) check(-errno);
  return listener;
}

void Listener::listen(int backlog) {
  check(uv_listen(&handle_.stream, backlog, [](uv_stream_t* stream, int status) {
    auto& listener = *static_cast<Listener*>(stream->data);
    if (status == 0 && listener.server_) listener.server_->accept(listener);
  }));
}

std::string Listener::address() const {
  if (family_ == Peer::Family::local) return "unix:" + path_;
  sockaddr_storage storage{};
  int size = sizeof storage;
  uv_tcp_getsockname(&handle_.tcp, reinterpret_cast<sockaddr*>(&storage), &size);
  return Peer::from(reinterpret_cast<sockaddr*>(&storage)).text();
}

}  // namespace linegate
