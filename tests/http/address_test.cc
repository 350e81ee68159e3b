// Names with several addresses: which is tried when, and what a slow, a dead or an unknown one costs.
#include <gtest/gtest.h>

#include <string>

#include "../support/run.h"
#include "../support/scripted_api.h"
#include "http/session.h"

namespace linegate {
namespace {

int numeric(const Addresses& addresses, const addrinfo* hints, addrinfo** found) {
  addrinfo wanted = *hints;
  wanted.ai_flags = AI_NUMERICHOST;
  for (const auto& address : addresses) {
    if (int rc = ::getaddrinfo(address.c_str(), nullptr, &wanted, found)) return rc;
    found = &(*found)->ai_next;
  }
  return 0;
}

SessionOptions resolving_to(Addresses addresses) {
  SessionOptions options;
  options.resolver.lookup = [addresses](const char*, const char*, const addrinfo* hints, addrinfo** found) {
    return addresses.empty() ? EAI_NONAME : numeric(addresses, hints, found);
  };
  return options;
}

// Accepts no connection, and refuses none: its backlog is full.
class DeafServer {
 public:
  DeafServer(const std::string& address, std::uint16_t port) {
    name_.sin_family = AF_INET;
    name_.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &name_.sin_addr);
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(fd_, as_sockaddr(), sizeof name_) != 0 || ::listen(fd_, 0) != 0) {
      throw std::system_error(errno, std::generic_category(), "listen");
    }
    for (int i = 0; i < 4; ++i) fill();
  }
  ~DeafServer() {
    for (int fd : fillers_) ::close(fd);
    ::close(fd_);
  }

 private:
  sockaddr* as_sockaddr() { return reinterpret_cast<sockaddr*>(&name_); }
  void fill() {
    fillers_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(fillers_.back(), as_sockaddr(), sizeof name_);
  }
  sockaddr_in name_{};
  int fd_;
  std::vector<int> fillers_;
};

ScriptedApi::Script answering_one() {
  return ScriptedApi::answering([](const std::string&) { return reply("1"); });
}

TEST(Address, ThatRefusesIsFollowedByTheNext) {
  ScriptedApi api(answering_one());  // on 127.0.0.1 only
  Loop loop;
  Session session(loop, resolving_to({"127.0.0.9", "127.0.0.8", "127.0.0.1"}));
  run_test(loop, [&]() -> Task<> {
    auto answer = co_await session.get(api.at("api.test"));
    EXPECT_TRUE(answer.ok()) << (answer.error ? answer.error->message : "");
  });
  EXPECT_EQ(api.request_count(), 1u);
  EXPECT_NE(api.requests()[0].find("Host: api.test:"), std::string::npos);
}

TEST(Address, OfIpv6ThatRefusesIsFollowedByIpv4) {
  ScriptedApi api(answering_one());
  Loop loop;
  Session session(loop, resolving_to({"::1", "127.0.0.1"}));
  run_test(loop, [&]() -> Task<> {
    auto answer = co_await session.get(api.at("api.test"));
    EXPECT_TRUE(answer.ok()) << (answer.error ? answer.error->message : "");
  });
}

TEST(Address, ThatIsSlowIsFollowedByTheNextWithinTheConnectClock) {
  ScriptedApi api(answering_one());
  DeafServer deaf("127.0.0.2", api.port());
  Loop loop;
  SessionOptions options = resolving_to({"127.0.0.2", "127.0.0.1"});
  options.timeout.connect = 400ms;
  Session session(loop, options);
  run_test(loop, [&]() -> Task<> {
    auto first = co_await session.get(api.at("api.test"));
    EXPECT_TRUE(first.ok()) << (first.error ? first.error->message : "");
    EXPECT_GE(first.timings.connect, 190ms);
    EXPECT_LT(first.timings.connect, 400ms);
  });
}

TEST(Address, ThatFailedIsTriedLast) {
  ScriptedApi api(answering_one());
  DeafServer deaf("127.0.0.2", api.port());
  Loop loop;
  SessionOptions options = resolving_to({"127.0.0.2", "127.0.0.1"});
  options.timeout.connect = 400ms;
  Session session(loop, options);
  run_test(loop, [&]() -> Task<> {
    co_await session.get(api.at("api.test"));
    auto second = co_await session.get(api.at("api.test"));
    EXPECT_TRUE(second.ok());
    EXPECT_LT(second.timings.connect, 100ms);
  });
  EXPECT_EQ(api.connection_count(), 1);
}

TEST(Address, ThatIsTheOnlyOneHasTheWholeConnectClock) {
  ScriptedApi api(answering_one());
  DeafServer deaf("127.0.0.2", api.port());
  Loop loop;
  SessionOptions options = resolving_to({"127.0.0.2"});
  options.timeout.connect = 80ms;
  Session session(loop, options);
  run_test(loop, [&]() -> Task<> {
    auto answer = co_await session.get(api.at("api.test"));
    EXPECT_TRUE(answer.error);
    if (!answer.error) co_return;
    EXPECT_EQ(answer.error->kind, ErrorKind::timeout);
    EXPECT_EQ(answer.error->phase, Phase::connect);
    EXPECT_EQ(answer.error->limit, Limit::connect);
    EXPECT_EQ(answer.error->message, "no connection within 80 ms");
    EXPECT_FALSE(answer.error->sent);
  });
}

TEST(Address, ThatRefusesIsNamedInTheError) {
  std::uint16_t port = 0;
  { port = ScriptedApi(answering_one()).port(); }
  Loop loop;
  Session session(loop, resolving_to({"127.0.0.1", "127.0.0.2"}));
  run_test(loop, [&]() -> Task<> {
    auto answer = co_await session.get("http://api.test:" + std::to_string(port));
    EXPECT_TRUE(answer.error);
    if (!answer.error) co_return;
    EXPECT_EQ(answer.error->kind, ErrorKind::connect);
    EXPECT_EQ(answer.error->message, "no connection: Connection refused");
    EXPECT_FALSE(answer.error->sent);
  });
}

TEST(Address, OfAnUnknownNameIsADnsError) {
  Loop loop;
  Session session(loop, resolving_to({}));
  run_test(loop, [&]() -> Task<> {
    auto answer = co_await session.get("http://none.test/");
    EXPECT_TRUE(answer.error);
    if (!answer.error) co_return;
    EXPECT_EQ(answer.error->kind, ErrorKind::dns);
    EXPECT_FALSE(answer.error->sent);
  });
}

TEST(Address, OfANameThatHangsStopsNobodyElse) {
  ScriptedApi api(answering_one());
  Latch let_go;
  SessionOptions options;
  options.resolver.lookup = [&](const char*, const char*, const addrinfo*, addrinfo**) {
    let_go.wait();
    return EAI_NONAME;
  };
  options.timeout.connect = 150ms;
  Loop loop;
  Session session(loop, options);
  Duration worst{};
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    auto hang = [&]() -> Task<> {
      auto answer = co_await session.get("http://hang.test/");
      EXPECT_TRUE(answer.error && answer.error->kind == ErrorKind::timeout);
      EXPECT_TRUE(answer.error && answer.error->phase == Phase::connect &&
                  answer.error->limit == Limit::connect);
    };
    group.spawn(hang());
    while (!group.empty()) {
      Time begin = Clock::now();
      auto answer = co_await session.get(api.url());
      EXPECT_TRUE(answer.ok());
      worst = std::max(worst, Clock::now() - begin);
    }
    let_go.set();
    auto joined = co_await session.get("http://hang.test/");  // when this ends, no lookup is left in the pool
    EXPECT_TRUE(joined.error && joined.error->kind == ErrorKind::dns);
  });
  EXPECT_LT(worst, 100ms);
  ::testing::Test::RecordProperty("worst_us", static_cast<int>(worst / 1us));
}

}  // namespace
}  // namespace linegate
