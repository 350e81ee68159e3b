// The stub's connections: one request at a time on each, answered when its delay is over. HTTP/1.1 with
// keep-alive, GET without a body; enough of HTTP for the clients of bench/, no more. GET /calls is answered
// at once with {"calls":N}: the other requests that have come, whether or not their answers have left. One
// thread, one epoll set.
#pragma once

#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "stub/answers.h"
#include "stub/delay.h"

namespace bench {

struct StubOptions {
  int port = 0;
  std::uint32_t max_connections = 0;  // more are closed as soon as they come; 0 = no limit
};

class StubServer {
 public:
  StubServer(const StubOptions& options, Delay delay, Answers answers);
  [[noreturn]] void run();

 private:
  struct Connection {
    int fd;
    std::string in;
    std::string out;
    bool waiting = false;  // a request is being "worked on"
    bool gone = false;     // closed while it was
    bool watched_for_write = false;
  };
  struct Due {
    std::uint64_t at;
    Connection* connection;
    bool operator<(const Due& other) const { return at > other.at; }  // the earliest on top
  };

  void accept_all();
  void serve(Connection* connection, std::uint32_t events);
  bool read(Connection& connection);
  void work(Connection& connection);
  bool tell_calls(Connection& connection) const;
  void answer(Connection& connection);
  void flush(Connection& connection);
  void close_connection(Connection* connection);
  void answer_due();
  std::int64_t until_due() const;

  StubOptions options_;
  Delay delay_;
  Answers answers_;
  int epoll_;
  int listener_;
  std::uint32_t open_ = 0;
  std::uint64_t calls_ = 0;
  std::priority_queue<Due> due_;
  std::vector<char> space_;
};

}  // namespace bench
