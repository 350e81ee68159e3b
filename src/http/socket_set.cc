#include "http/socket_set.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace linegate {
namespace {

std::uint64_t pack(int fd, std::uint32_t generation) {
  return (std::uint64_t{generation} << 32) | static_cast<std::uint32_t>(fd);
}

}  // namespace

SocketSet::SocketSet() : epoll_(epoll_create1(EPOLL_CLOEXEC)), events_(128) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "cannot create an epoll set");
}

SocketSet::~SocketSet() {
  ::close(epoll_);
}

SocketSet::Slot& SocketSet::slot(int fd) {
  auto index = static_cast<std::size_t>(fd);
  if (index >= slots_.size()) slots_.resize(index + 64);
  return slots_[index];
}

void SocketSet::opened(int fd, bool watch_idle) {
  Slot& s = slot(fd);
  s = Slot{s.generation + 1, 0, nullptr, true, false, watch_idle};
}

void SocketSet::closed(int fd) {
  Slot& s = slot(fd);
  s = Slot{s.generation + 1};
}

void SocketSet::want(int fd, std::uint32_t events, void* owner) {
  Slot& s = slot(fd);
  s.live = true;
  s.owner = owner;
  // libcurl opens and closes wake-up pipes of its own without telling: what the kernel has of those is
  // unknown.
  if (!s.ours || s.events != events) tell(fd, events);
}

void SocketSet::release(int fd) {
  Slot& s = slot(fd);
  s.live = false;
  if (s.ours && s.watch_idle) {
    if (s.events != 0 && s.events != EPOLLIN) tell(fd, EPOLLIN);
    return;
  }
  tell(fd, 0);
}

void SocketSet::disown(const void* owner) {
  for (Slot& s : slots_) {
    if (s.owner == owner) s.live = false;
  }
}

void SocketSet::tell(int fd, std::uint32_t events) {
  Slot& s = slot(fd);
  epoll_event event{};
  event.events = events;
  event.data.u64 = pack(fd, s.generation);
  bool known = s.events != 0;
  s.events = events;
  if (events == 0) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &event);  // fails for what is not in the set, which is as good
    return;
  }
  if (epoll_ctl(epoll_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0) return;
  if (errno == ENOENT) epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  if (errno == EEXIST) epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

int SocketSet::wait() {
  return epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), 0);
}

std::span<const SocketSet::Ready> SocketSet::poll() {
  // All of them: an idle connection that died, and is left for the next time, would be given to a new
  // transfer.
  int count = wait();
  while (count == static_cast<int>(events_.size())) {
    events_.resize(2 * events_.size());
    count = wait();
  }
  ready_.clear();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    ready_.push_back({static_cast<int>(event.data.u64 & 0xffffffffu),
                      static_cast<std::uint32_t>(event.data.u64 >> 32), event.events});
  }
  return ready_;
}

void SocketSet::retire(int fd, std::span<char> scratch) {
  tell(fd, 0);
  ::shutdown(fd, SHUT_RDWR);  // first: then what still arrives is refused, and the loop below ends
  while (::recv(fd, scratch.data(), scratch.size(), MSG_DONTWAIT) > 0) {
  }
}

}  // namespace linegate
