// The sockets that libcurl uses, in one private epoll set behind one descriptor: no system call when a
// connection goes from one transfer to the next, and no libuv handle per socket. It also notices what happens
// to sockets that libcurl keeps idle. Knows neither libcurl nor libuv. Owned by Multi.
#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace linegate {

class SocketSet {
 public:
  // What is known of a socket when it becomes ready. Stale when the descriptor was closed meanwhile and its
  // number belongs to another socket.
  struct Ready {
    int fd;
    std::uint32_t generation;
    std::uint32_t events;  // EPOLLIN | ...
  };

  // Throws std::system_error.
  SocketSet();
  ~SocketSet();
  SocketSet(const SocketSet&) = delete;
  SocketSet& operator=(const SocketSet&) = delete;

  int descriptor() const { return epoll_; }  // readable while any socket is ready

  // We opened it. `watch_idle`: while libcurl keeps it idle, nothing may arrive (true for HTTP/1.x).
  void opened(int fd, bool watch_idle);
  // We are about to close it. The kernel takes it out of the set.
  void closed(int fd);

  // libcurl waits for EPOLLIN and/or EPOLLOUT; `owner` is to be told.
  void want(int fd, std::uint32_t events, void* owner);
  // libcurl waits for nothing: the socket is idle, or is about to be closed, or is not ours. Unknown ones are
  // fine.
  void release(int fd);

  // `owner` is going: nobody waits for what it wanted.
  void disown(const void* owner);

  // Everything that is ready now, without waiting. Valid until the next call; check current() before using an
  // element.
  std::span<const Ready> poll();

  bool current(const Ready& ready) const { return at(ready.fd).generation == ready.generation; }
  bool idle(const Ready& ready) const { return !at(ready.fd).live; }
  void* owner(const Ready& ready) const { return at(ready.fd).owner; }  // unless it is idle

  // An idle socket became readable: it is dead, or holds bytes that nobody asked for and that the next call
  // would take for its answer. Makes it look closed by the other side, so that libcurl drops it.
  void retire(int fd, std::span<char> scratch);

 private:
  struct Slot {
    std::uint32_t generation = 0;
    std::uint32_t events = 0;  // what the kernel was told; 0 = not in the set
    void* owner = nullptr;     // who waits, while it is live
    bool ours = false;
    bool live = false;  // libcurl waits for something
    bool watch_idle = false;
  };
  const Slot& at(int fd) const { return slots_[static_cast<std::size_t>(fd)]; }
  Slot& slot(int fd);
  void tell(int fd, std::uint32_t events);
  int wait();

  int epoll_;
  std::vector<Slot> slots_;  // by descriptor
  std::vector<Ready> ready_;
  std::vector<epoll_event> events_;
};

}  // namespace linegate
