// `linegate call` against a scripted server: what it prints and what it exits with.
#include "daemon/call.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

namespace linegate::daemon {
namespace {

// Accepts one connection and lets `serve` answer it.
class OneShotServer {
 public:
  OneShotServer() : OneShotServer(tcp()) {}
  explicit OneShotServer(int listener) : listener_(listener) {}
  ~OneShotServer() {
    if (thread_.joinable()) thread_.join();
    ::close(listener_);
  }

  static int tcp() {
    int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    return fd;
  }
  static int unix_socket(const std::string& path) {
    int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  void start(std::function<void(int fd)> serve) {
    ASSERT_EQ(::listen(listener_, 1), 0);
    thread_ = std::thread([this, serve = std::move(serve)] {
      int fd = ::accept(listener_, nullptr, nullptr);
      serve(fd);
      ::close(fd);
    });
  }
  int port() const {
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size);
    return ntohs(bound.sin_port);
  }

 private:
  int listener_;
  std::thread thread_;
};

std::string read_line(int fd) {
  std::string line;
  for (char c; ::read(fd, &c, 1) == 1;) {
    line += c;
    if (c == '\n') break;
  }
  return line;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

struct Ran {
  int code;
  std::string out;
  std::string err;
};

Ran run(const std::string& to, std::vector<std::string> words, Duration timeout = 20s) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  int code = call({to, timeout, std::move(words)});
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

class CallTest : public testing::Test {
 protected:
  void answer(const std::string& reply) {
    server.start([this, reply](int fd) {
      asked = read_line(fd);
      write_all(fd, reply);
      read_line(fd);  // until the client goes
    });
  }
  std::string to() const { return "127.0.0.1:" + std::to_string(server.port()); }

  std::string asked;
  OneShotServer server;
};

TEST_F(CallTest, PrintsTheAnswerAndSucceeds) {
  answer("OK {\"city\":\"Oslo\"}\n");
  Ran ran = run(to(), {"weather", "New York"});
  EXPECT_EQ(ran.code, kCallOk);
  EXPECT_EQ(ran.out, "OK {\"city\":\"Oslo\"}\n");
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(asked, "weather \"New York\"\n");
}

TEST_F(CallTest, AnErrorIsPrintedToo) {
  answer("ERR unknown_method {}\n");
  Ran ran = run(to(), {"wether"});
  EXPECT_EQ(ran.code, kCallError);
  EXPECT_EQ(ran.out, "ERR unknown_method {}\n");
}

TEST_F(CallTest, AJsonRpcErrorIsAnError) {
  answer("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}\n");
  EXPECT_EQ(run(to(), {"{\"jsonrpc\":\"2.0\",", "\"id\":1}"}).code, kCallError);
  EXPECT_EQ(asked, "{\"jsonrpc\":\"2.0\", \"id\":1}\n");
}

TEST_F(CallTest, OnlyTheFirstLineIsPrinted) {
  answer("OK 1\nOK 2\n");
  EXPECT_EQ(run(to(), {"ping"}).out, "OK 1\n");
}

TEST_F(CallTest, ALongAnswerComesThroughWhole) {
  std::string reply = "OK \"" + std::string(400'000, 'x') + "\"\n";
  answer(reply);
  Ran ran = run(to(), {"large"});
  EXPECT_EQ(ran.code, kCallOk);
  EXPECT_EQ(ran.out, reply);
}

TEST_F(CallTest, ALongRequestIsSentWhole) {
  answer("OK null\n");
  std::string word(400'000, 'x');
  EXPECT_EQ(run(to(), {"note", word}).code, kCallOk);
  EXPECT_EQ(asked, "note " + word + "\n");
}

TEST_F(CallTest, AColonAndAPortIsThisMachine) {
  answer("OK 1\n");
  EXPECT_EQ(run(":" + std::to_string(server.port()), {"ping"}).code, kCallOk);
}

TEST_F(CallTest, AllInterfacesAreReachedThroughTheLoopback) {
  answer("OK 1\n");
  EXPECT_EQ(run("0.0.0.0:" + std::to_string(server.port()), {"ping"}).code, kCallOk);
}

TEST_F(CallTest, NoAnswerInTimeIsFour) {
  answer("");
  Ran ran = run(to(), {"ping"}, 30ms);
  EXPECT_EQ(ran.code, kCallNoAnswer);
  EXPECT_EQ(ran.err, "linegate: no answer within 30 ms\n");
  EXPECT_EQ(ran.out, "");
}

TEST_F(CallTest, HalfAnAnswerIsNone) {
  server.start([](int fd) {
    read_line(fd);
    write_all(fd, "OK {\"ci");
  });
  Ran ran = run(to(), {"ping"});
  EXPECT_EQ(ran.code, kCallNoConnection);
  EXPECT_EQ(ran.err, "linegate: the server closed the connection in the middle of the answer\n");
}

TEST_F(CallTest, AServerThatClosesIsNoConnection) {
  server.start([](int fd) { read_line(fd); });
  EXPECT_EQ(run(to(), {"ping"}).code, kCallNoConnection);
}

TEST_F(CallTest, ANotificationIsDoneWhenTheServerCloses) {
  server.start([this](int fd) {
    asked = read_line(fd);
    EXPECT_EQ(read_line(fd), "");  // the end of input
  });
  EXPECT_EQ(run(to(), {R"({"jsonrpc":"2.0","method":"ping"})"}).code, kCallOk);
  EXPECT_EQ(asked, "{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}\n");
}

TEST_F(CallTest, ARefusedConnectionIsThree) {  // the server has a port, but does not listen
  Ran ran = run(to(), {"ping"});
  EXPECT_EQ(ran.code, kCallNoConnection);
  EXPECT_EQ(ran.err, "linegate: cannot connect to " + to() + ": Connection refused\n");
}

TEST(Call, ReachesAUnixSocket) {
  char folder[] = "/tmp/linegate-call-XXXXXX";
  ASSERT_TRUE(::mkdtemp(folder));
  std::string path = std::string(folder) + "/s";
  {
    OneShotServer server(OneShotServer::unix_socket(path));
    server.start([](int fd) {
      read_line(fd);
      write_all(fd, "OK \"pong\"\n");
      read_line(fd);
    });
    EXPECT_EQ(run("unix:" + path, {"ping"}).code, kCallOk);
  }
  ::unlink(path.c_str());
  EXPECT_EQ(run("unix:" + path, {"ping"}).code, kCallNoConnection);
  ::rmdir(folder);
}

TEST(Call, WhatCannotBeSentIsAUsageError) {
  EXPECT_EQ(run("127.0.0.1:1", {""}).code, kCallUsage);
  EXPECT_EQ(run("127.0.0.1:1", {}).code, kCallUsage);
}

TEST(Call, AnAddressThatIsNoneIsAUsageError) {
  for (const char* to : {"", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "unix:", "[::1:5"}) {
    Ran ran = run(to, {"ping"});
    EXPECT_EQ(ran.code, kCallUsage) << to;
    EXPECT_NE(ran.err, "") << to;
  }
}

}  // namespace
}  // namespace linegate::daemon
