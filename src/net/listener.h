// One listening socket. Tells its Server when somebody waits; the server accepts, or does not and so pauses.
#pragma once

#include <uv.h>

#include <string>

#include "loop/handle.h"
#include "net/address.h"

struct sockaddr;

namespace linegate {

class Loop;
class Server;

class Listener {
 public:
  // Bound, not yet listening. Throw std::system_error.
  static Handle<Listener> bind_tcp(Loop& loop, Server& server, const sockaddr* address);
  static Handle<Listener> bind_unix(Loop& loop, Server& server, const std::string& path, unsigned mode);

  void listen(int backlog);

  std::string address() const;
  Peer::Family family() const { return family_; }
  uv_stream_t* stream() { return &handle_.stream; }

  bool waiting = false;  // a connection was announced and not accepted; libuv announces no other before that

  uv_handle_t* uv_handle() { return &handle_.any; }
  void closing() { server_ = nullptr; }

 private:
  Listener(Loop& loop, Server& server, Peer::Family family, int socket_family);

  union {
    uv_handle_t any;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } handle_;
  Server* server_;
  Peer::Family family_;
  std::string path_;
};

}  // namespace linegate
