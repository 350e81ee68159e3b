// What depends on libcurl's version, and the sockets that it is given.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <vector>

#include "http/curl_error.h"
#include "http/curl_version.h"
#include "http/socket_set.h"

namespace linegate {
namespace {

TEST(CurlVersion, OfBothDebiansIsFine) {
  for (unsigned version : {0x075801u, 0x080e01u}) {
    EXPECT_EQ(check_curl(version).refuse, "");
    EXPECT_EQ(check_curl(version).warning, "");
  }
}

TEST(CurlVersion, KnownToFailIsRefused) {
  EXPECT_NE(check_curl(0x075100).refuse, "");
  EXPECT_NE(check_curl(0x0757ff).refuse, "");
  EXPECT_NE(check_curl(0x081400).refuse, "");
  EXPECT_EQ(check_curl(0x081500).refuse, "");
}

TEST(CurlVersion, ThatForgetsDeadlinesIsWarnedAbout) {
  EXPECT_NE(check_curl(0x080a00).warning, "");
  EXPECT_NE(check_curl(0x080b00).warning, "");
  EXPECT_EQ(check_curl(0x080b01).warning, "");
}

TEST(CurlError, IsSortedByClassNotByNumber) {
  EXPECT_EQ(kind_before_sent(CURLE_COULDNT_CONNECT), ErrorKind::connect);
  EXPECT_EQ(kind_before_sent(CURLE_COULDNT_RESOLVE_PROXY), ErrorKind::dns);
  EXPECT_EQ(kind_before_sent(CURLE_PEER_FAILED_VERIFICATION), ErrorKind::tls);
  EXPECT_EQ(kind_before_sent(CURLE_SSL_CACERT_BADFILE), ErrorKind::tls);
  EXPECT_EQ(kind_before_sent(CURLE_RECV_ERROR), ErrorKind::connect);
  for (CURLcode code : {CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR,
                        CURLE_HTTP2, CURLE_HTTP2_STREAM}) {
    EXPECT_EQ(kind_after_sent(code), ErrorKind::reset) << code;
  }
  EXPECT_EQ(kind_after_sent(CURLE_WEIRD_SERVER_REPLY), ErrorKind::bad_payload);
  EXPECT_EQ(kind_after_sent(static_cast<CURLcode>(100)), ErrorKind::bad_payload);
}

TEST(CurlError, DetailsAreMadePrintableAndCut) {
  std::string detail = "\x1b[31mevil\n" + std::string(1000, 'x');
  std::string text = failure_message(ErrorKind::reset, CURLE_RECV_ERROR, detail.c_str(), 0);
  EXPECT_EQ(text.find('\n'), text.npos);
  EXPECT_EQ(text.find('\x1b'), text.npos);
  EXPECT_LT(text.size(), 300u);
}

// Two ends of a connection; `ours` is in the set.
struct Pair {
  explicit Pair(SocketSet& set, bool watch_idle = true) : set_(set) {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ours = fds[0];
    theirs = fds[1];
    set_.opened(ours, watch_idle);
  }
  ~Pair() {
    if (ours >= 0) close_ours();
    ::close(theirs);
  }
  void close_ours() {
    set_.closed(ours);
    ::close(std::exchange(ours, -1));
  }
  SocketSet& set_;
  int ours;
  int theirs;
};

TEST(SocketSet, TellsWhatLibcurlWaitsFor) {
  SocketSet set;
  Pair pair(set);
  set.want(pair.ours, EPOLLIN | EPOLLOUT, &set);
  auto ready = set.poll();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_EQ(ready[0].fd, pair.ours);
  EXPECT_EQ(ready[0].events, static_cast<unsigned>(EPOLLOUT));
  EXPECT_FALSE(set.idle(ready[0]));
  set.want(pair.ours, EPOLLIN, &set);
  EXPECT_TRUE(set.poll().empty());
}

TEST(SocketSet, WatchesIdleSocketsOfHttp1) {
  SocketSet set;
  Pair pair(set);
  set.want(pair.ours, EPOLLIN, &set);
  set.release(pair.ours);
  EXPECT_TRUE(set.poll().empty());
  ASSERT_EQ(::write(pair.theirs, "x", 1), 1);
  auto ready = set.poll();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_TRUE(set.idle(ready[0]));
}

TEST(SocketSet, RetiresASocketSoThatItLooksClosed) {
  SocketSet set;
  Pair pair(set);
  set.want(pair.ours, EPOLLIN, &set);
  set.release(pair.ours);
  ASSERT_EQ(::write(pair.theirs, "stray", 5), 5);
  std::array<char, 3> scratch;
  set.retire(pair.ours, scratch);
  char byte;
  EXPECT_EQ(::recv(pair.ours, &byte, 1, MSG_DONTWAIT), 0);
  EXPECT_TRUE(set.poll().empty());
}

TEST(SocketSet, TellsOfAllThatAreReady) {
  constexpr std::size_t kMany = 200;
  SocketSet set;
  std::vector<std::unique_ptr<Pair>> pairs;
  while (pairs.size() < kMany) {
    pairs.push_back(std::make_unique<Pair>(set));
    set.want(pairs.back()->ours, EPOLLOUT, &set);
  }
  EXPECT_EQ(set.poll().size(), kMany);
}

TEST(SocketSet, KnowsWhoWaitsUntilThatGoes) {
  SocketSet set;
  Pair one(set), other(set);
  int first = 0, second = 0;
  set.want(one.ours, EPOLLOUT, &first);
  set.want(other.ours, EPOLLOUT, &second);
  set.disown(&first);
  auto ready = set.poll();
  ASSERT_EQ(ready.size(), 2u);
  for (const auto& event : ready) {
    EXPECT_EQ(set.idle(event), event.fd == one.ours);
    if (event.fd == other.ours) {
      EXPECT_EQ(set.owner(event), &second);
    }
  }
}

TEST(SocketSet, LeavesIdleSocketsOfHttp2Alone) {
  SocketSet set;
  Pair pair(set, false);
  set.want(pair.ours, EPOLLIN, &set);
  set.release(pair.ours);
  ASSERT_EQ(::write(pair.theirs, "x", 1), 1);
  EXPECT_TRUE(set.poll().empty());
  set.want(pair.ours, EPOLLIN, &set);
  EXPECT_EQ(set.poll().size(), 1u);
}

TEST(SocketSet, KnowsAnEventOfADescriptorThatIsAnotherSocketNow) {
  SocketSet set;
  Pair pair(set);
  set.want(pair.ours, EPOLLOUT, &set);
  auto ready = set.poll();
  ASSERT_EQ(ready.size(), 1u);
  SocketSet::Ready before = ready[0];
  int number = pair.ours;
  pair.close_ours();
  EXPECT_FALSE(set.current(before));
  Pair next(set);
  EXPECT_EQ(next.ours, number);  // the lowest free one
  EXPECT_FALSE(set.current(before));
}

TEST(SocketSet, TakesDescriptorsThatItDidNotOpen) {
  SocketSet set;
  int fds[2];
  for (int round = 0; round < 3; ++round) {  // closed without a word, and opened again
    ASSERT_EQ(::pipe(fds), 0);
    set.want(fds[0], EPOLLIN, &set);
    ASSERT_EQ(::write(fds[1], "x", 1), 1);
    EXPECT_EQ(set.poll().size(), 1u);
    ::close(fds[0]);
    ::close(fds[1]);
  }
  set.release(fds[0]);
  set.release(4000);  // never seen
}

}  // namespace
}  // namespace linegate
