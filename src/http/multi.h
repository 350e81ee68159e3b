// The bridge between libcurl's multi interface and the loop. libcurl's callbacks only record; libcurl is
// called in one place, the hook that runs before the loop sleeps, and completions are read there: no user
// code ever runs inside a libcurl callback. Owned by Session; the only place that drives libcurl.
#pragma once

#include <curl/curl.h>
#include <uv.h>

#include <cstddef>

#include "http/socket_set.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "loop/timers.h"

namespace linegate {

class Multi final : Hook {
 public:
  // `max_idle`: connections kept without a transfer. Throws std::runtime_error for a libcurl that must not be
  // used.
  Multi(Loop& loop, std::size_t max_idle);
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;
  // Every transfer must be gone. Closes all connections.
  ~Multi();

  // Starts the transfer of `easy`, whose CURLOPT_PRIVATE is its Easy. False: libcurl refused.
  bool add(CURL* easy);
  // Ends it, whether done or not; the connection of an unfinished one is closed.
  void remove(CURL* easy);

  std::size_t active() const { return active_; }
  Loop& loop() { return loop_; }
  CURLSH* share() { return share_; }  // TLS sessions only: sharing connections breaks limits

  // CURLOPT_OPENSOCKETFUNCTION's and CURLOPT_CLOSESOCKETFUNCTION's work.
  int open_socket(const curl_sockaddr& address, bool watch_idle);
  int close_socket(int fd);

 private:
  class Kick final : public Timer {
   public:
    explicit Kick(Multi& multi) : Timer(multi.loop_.timers()), multi_(multi) {}

   private:
    void on_timer() override { multi_.kick_ = true; }
    Multi& multi_;
  };
  struct Poll {
    uv_poll_t poll;
    Multi* owner;
    uv_handle_t* uv_handle() { return reinterpret_cast<uv_handle_t*>(&poll); }
    void closing() { owner = nullptr; }
  };

  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*);
  static int on_timeout(CURLM*, long ms, void* self);
  static void on_poll(uv_poll_t* poll, int status, int events);

  bool before_sleep() override;
  void handle_sockets();
  void act(const SocketSet::Ready& ready);
  void run_due();
  void drain();
  void watch_over();

  Loop& loop_;
  SocketSet sockets_;
  Handle<Poll> poll_;
  CURLM* multi_ = nullptr;
  CURLSH* share_ = nullptr;
  Kick due_{*this};       // libcurl's own timer
  Kick watchdog_{*this};  // heals deadlines that libcurl forgets to announce (curl #15627, #18005)
  std::size_t active_ = 0;
  bool readable_ = false;  // the epoll set has something
  bool added_ = false;     // a new transfer waits for the kick
  bool kick_ = false;      // libcurl wants its timers looked at
  bool closing_ = false;
};

}  // namespace linegate
