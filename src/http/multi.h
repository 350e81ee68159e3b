// The bridge between libcurl's multi interface and the loop. libcurl's callbacks only record; libcurl is
// called in one place, the hook that runs before the loop sleeps, and completions are read there: no user
// code ever runs inside a libcurl callback. Owned by Session; the only place that drives libcurl.
//
// Looking for a connection to use again, libcurl goes through all those to the same host, busy ones included
// (ConnectionExists() in lib/url.c). With thousands of them that is most of what a transfer costs. So there
// are several multi handles, each with connections of its own, and a new one only when the others are full.
#pragma once

#include <curl/curl.h>
#include <uv.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "http/socket_set.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "loop/timers.h"

namespace linegate {

class Easy;

class Multi final : Hook {
 public:
  // One of libcurl's multi handles.
  struct Pool;

  // `max_idle`: connections kept without a transfer by the first of the handles; the others keep as many as
  // they used, until `keep` after the last transfer. Throws std::runtime_error for a libcurl that must not be
  // used.
  Multi(Loop& loop, std::size_t max_idle, Duration keep);
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;
  // Every transfer must be gone. Closes all connections.
  ~Multi();

  // Starts the transfer of `easy`, which is its handle's CURLOPT_PRIVATE. False: libcurl refused.
  bool add(Easy& easy);
  // Ends it, whether done or not; the connection of an unfinished one is closed.
  void remove(Easy& easy);

  std::size_t active() const { return active_; }
  Loop& loop() { return loop_; }
  CURLSH* share() { return share_; }  // TLS sessions only: sharing connections breaks limits

  // CURLOPT_OPENSOCKETFUNCTION's and CURLOPT_CLOSESOCKETFUNCTION's work.
  int open_socket(const curl_sockaddr& address, bool watch_idle);
  int close_socket(int fd);

 private:
  // A timer that lets libcurl look at its own.
  class Kick final : public Timer {
   public:
    Kick(Multi& multi, bool& wish) : Timer(multi.loop_.timers()), multi_(multi), wish_(wish) {}

   private:
    void on_timer() override { multi_.kick_ = wish_ = true; }
    Multi& multi_;
    bool& wish_;
  };
  struct Poll {
    uv_poll_t poll;
    Multi* owner;
    uv_handle_t* uv_handle() { return reinterpret_cast<uv_handle_t*>(&poll); }
    void closing() { owner = nullptr; }
  };

  static int on_socket(CURL*, curl_socket_t fd, int what, void* pool, void*);
  static int on_timeout(CURLM*, long ms, void* pool);
  static void on_poll(uv_poll_t* poll, int status, int events);

  bool before_sleep() override;
  void handle_sockets();
  void act(const SocketSet::Ready& ready);
  void run_due();
  void run_due(Pool& pool);
  void drain(Pool& pool);
  void watch_over();
  Pool& pool_with_room();
  void close_unused_pools();

  Loop& loop_;
  SocketSet sockets_;
  Handle<Poll> poll_;
  CURLSH* share_ = nullptr;
  Duration keep_;
  bool look_ = false;            // the watchdog's wish: all pools
  Kick watchdog_{*this, look_};  // heals deadlines that libcurl forgets to announce (curl #15627, #18005)
  std::size_t active_ = 0;
  bool readable_ = false;  // the epoll set has something
  bool added_ = false;     // a new transfer waits for the kick
  bool kick_ = false;      // some pool wants its timers looked at, or has been unused for long
  std::vector<std::unique_ptr<Pool>> pools_;  // the first stays; last: closes its connections
};

}  // namespace linegate
