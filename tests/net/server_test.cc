// start_server() on real sockets: listening, admission, handlers and their context, drain.
#include "net/server.h"

#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <system_error>

#include "net_test.h"

namespace linegate {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ServerTest : public NetTest {
 protected:
  ServerOptions listening_on(std::vector<std::string> where) {
    auto result = options();
    result.listen = std::move(where);
    return result;
  }
  // What `address` answers to one line.
  Task<std::string> ask(std::string address, std::string line) {
    RawPeer peer(loop, address);
    peer.send(line + "\n");
    auto reply = co_await peer.read_line();
    co_return reply;
  }
  void expect_echo(const Server& server) {
    for (const std::string& address : server.addresses()) {
      run_test(loop, [&]() -> Task<> {
        auto reply = co_await ask(address, "hello");
        EXPECT_EQ(reply, "hello") << address;
      });
    }
  }
};

std::string port_of(const std::string& address) {
  return address.substr(address.rfind(':') + 1);
}

std::string why_not(Loop& loop, const std::string& where) {
  try {
    ServerOptions options;
    options.listen = {where};
    start_server(loop, options, echo);
    return "it listens";
  } catch (const std::exception& error) {
    return error.what();
  }
}

// A directory of its own, gone at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = testing::TempDir() + "linegate.XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Leaves a socket file behind, as a process that died does.
void leave_socket_file(const std::string& path) {
  int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
}

// ---------------------------------------------------------------- listening

TEST_F(ServerTest, TellsThePortThatItGot) {
  auto server = start_server(loop, listening_on({"127.0.0.1:0"}), echo);
  ASSERT_EQ(server->addresses().size(), 1u);
  EXPECT_THAT(server->addresses()[0], StartsWith("127.0.0.1:"));
  EXPECT_NE(port_of(server->addresses()[0]), "0");
  expect_echo(*server);
}

TEST_F(ServerTest, ListensOnAllAddressesOfLocalhostWithOnePort) {
  auto server = start_server(loop, listening_on({"localhost:0"}), echo);
  auto addresses = server->addresses();
  ASSERT_FALSE(addresses.empty());
  for (const auto& address : addresses) {
    EXPECT_THAT(address, AnyOf(StartsWith("127.0.0.1:"), StartsWith("[::1]:")));
    EXPECT_EQ(port_of(address), port_of(addresses[0]));
  }
  expect_echo(*server);
}

TEST_F(ServerTest, ListensOnAllInterfacesWithBothFamilies) {
  auto server = start_server(loop, listening_on({":0"}), echo);
  ASSERT_EQ(server->addresses().size(), 1u);
  std::string address = server->addresses()[0];
  run_test(loop, [&]() -> Task<> {
    auto v4 = co_await ask("127.0.0.1:" + port_of(address), "four");
    EXPECT_EQ(v4, "four");
    if (address.front() != '[') co_return;  // this kernel has no IPv6
    auto v6 = co_await ask("[::1]:" + port_of(address), "six");
    EXPECT_EQ(v6, "six");
  });
}

TEST_F(ServerTest, SeesIpv4PeersOfADualSocketAsIpv4) {
  std::string seen;
  auto server = start_server(loop, listening_on({":0"}), [&](Client& client) -> Task<> {
    seen = client.peer().address();
    co_return;
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, "127.0.0.1:" + port_of(server->addresses()[0]));
    co_await peer.read_all();
  });
  EXPECT_EQ(seen, "127.0.0.1");
}

TEST_F(ServerTest, ListensOnSeveralAddresses) {
  TemporaryDirectory directory;
  auto server =
      start_server(loop, listening_on({"127.0.0.1:0", "127.0.0.1:0", "unix:" + directory.file("s")}), echo);
  ASSERT_EQ(server->addresses().size(), 3u);
  expect_echo(*server);
}

TEST_F(ServerTest, ListensOnAUnixSocketWithItsMode) {
  TemporaryDirectory directory;
  std::string path = directory.file("s");
  auto with = listening_on({"unix:" + path});
  with.unix_mode = 0620;
  auto server = start_server(loop, with, echo);
  EXPECT_THAT(server->addresses(), ElementsAre("unix:" + path));
  struct stat status;
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0620u);
  expect_echo(*server);
}

TEST_F(ServerTest, RemovesItsUnixSocketAtTheEnd) {
  TemporaryDirectory directory;
  std::string path = directory.file("s");
  start_server(loop, listening_on({"unix:" + path}), echo).reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ServerTest, ReplacesAStaleUnixSocket) {
  TemporaryDirectory directory;
  leave_socket_file(directory.file("s"));
  auto server = start_server(loop, listening_on({"unix:" + directory.file("s")}), echo);
  expect_echo(*server);
}

TEST_F(ServerTest, DoesNotTakeAUnixSocketThatIsInUse) {
  TemporaryDirectory directory;
  std::string where = "unix:" + directory.file("s");
  auto server = start_server(loop, listening_on({where}), echo);
  EXPECT_EQ(why_not(loop, where), "cannot listen on " + where + ": Address already in use");
  expect_echo(*server);
}

TEST_F(ServerTest, DoesNotRemoveAFileThatIsNoSocket) {
  TemporaryDirectory directory;
  std::string path = directory.file("precious");
  ::close(::creat(path.c_str(), 0600));
  EXPECT_EQ(why_not(loop, "unix:" + path), "cannot listen on unix:" + path + ": Address already in use");
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(ServerTest, SaysWhichAddressIsInUse) {
  auto server = start_server(loop, listening_on({"127.0.0.1:0"}), echo);
  std::string taken = server->addresses()[0];
  EXPECT_EQ(why_not(loop, taken), "cannot listen on " + taken + ": Address already in use");
}

TEST_F(ServerTest, ListensOnNothingIfOneAddressCannotBeHad) {
  auto server = start_server(loop, listening_on({"127.0.0.1:0"}), echo);
  std::string taken = server->addresses()[0];
  server.reset();
  auto other = start_server(loop, listening_on({taken}), echo);
  EXPECT_THROW(start_server(loop, listening_on({"127.0.0.1:0", taken}), echo), std::system_error);
  expect_echo(*other);
}

TEST_F(ServerTest, SaysWhatIsNoAddress) {
  EXPECT_EQ(why_not(loop, "here"),
            "cannot listen on here: it is not HOST:PORT, [IPV6]:PORT, :PORT or unix:/PATH");
  EXPECT_THAT(why_not(loop, "192.0.2.1:0"),
              HasSubstr("cannot listen on 192.0.2.1:0: Cannot assign requested address"));
}

// ---------------------------------------------------------------- handlers and context

Task<> shout(Client& client) {
  co_await client.write("shout\n");
}

struct Greeter {
  std::string word;
  Task<> operator()(Client& client) const { co_await client.write(word + "\n"); }
};

TEST_F(ServerTest, TakesAnyCallableAsHandler) {
  auto moved = std::make_unique<std::string>("move-only\n");
  auto only_moved = [word = std::move(moved)](Client& client) -> Task<> { co_await client.write(*word); };
  std::function<Task<>(Client&)> function = [](Client& client) -> Task<> {
    co_await client.write("function\n");
  };
  std::vector<std::unique_ptr<Server>> servers;
  servers.push_back(start_server(loop, options(), shout));
  servers.push_back(start_server(loop, options(), &shout));
  servers.push_back(start_server(loop, options(), Greeter{"object"}));
  servers.push_back(start_server(loop, options(), std::move(only_moved)));
  servers.push_back(start_server(loop, options(), function));
  std::string replies;
  run_test(loop, [&]() -> Task<> {
    for (auto& server : servers) {
      RawPeer peer(loop, server->addresses()[0]);
      auto reply = co_await peer.read_all();
      replies += reply;
    }
  });
  EXPECT_EQ(replies, "shout\nshout\nobject\nmove-only\nfunction\n");
}

TEST_F(ServerTest, KeepsAHandlersCapturesWhileItsCoroutinesRun) {
  auto server = [this] {
    std::string captured(100, 'c');
    return start_server(loop, options(), [captured](Client& client) -> Task<> {
      co_await client.read_line();
      co_await client.write(captured);
    });
  }();
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("\n");
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, std::string(100, 'c'));
  });
}

struct Counter {
  int clients = 0;
};

Task<> count(Client& client, Counter& counter) {
  co_await client.write(std::to_string(++counter.clients) + "\n");
}

TEST_F(ServerTest, SharesOneContextAmongAllClients) {
  auto counter = std::make_shared<Counter>();
  auto server = start_server(loop, options(), counter, count);
  run_test(loop, [&]() -> Task<> {
    for (const char* expected : {"1\n", "2\n", "3\n"}) {
      RawPeer peer(loop, server->addresses()[0]);
      auto reply = co_await peer.read_all();
      EXPECT_EQ(reply, expected);
    }
  });
  EXPECT_EQ(counter->clients, 3);
}

TEST_F(ServerTest, FindsTheContextFromTheHandle) {
  auto counter = std::make_shared<Counter>();
  auto server = start_server(loop, options(), counter, [&](Client& client, Counter& context) -> Task<> {
    uv_handle_t* handle = client.uv_handle();
    EXPECT_EQ(handle->data, &client);
    EXPECT_EQ(&Client::from(handle), &client);
    EXPECT_EQ(&Client::from(handle).context<Counter>(), &context);
    EXPECT_EQ(&context, counter.get());
    ++context.clients;
    co_return;
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    co_await peer.read_all();
  });
  EXPECT_EQ(counter->clients, 1);
}

TEST_F(ServerTest, KeepsTheContextAliveAsLongAsItself) {
  auto counter = std::make_shared<Counter>();
  std::weak_ptr<Counter> watch = counter;
  auto server = start_server(loop, options(), std::move(counter), count);
  EXPECT_FALSE(watch.expired());
  server.reset();
  EXPECT_TRUE(watch.expired());
}

TEST_F(ServerTest, EndsOnlyTheClientWhoseHandlerThrows) {
  auto server = start_server(loop, options(), [](Client& client) -> Task<> {
    for (;;) {
      auto line = co_await client.read_line();
      if (!line) co_return;
      client.send(std::string(*line) + "\n");
      if (*line == "throw") throw std::runtime_error("a bug");
    }
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer good(loop, server->addresses()[0]);
    RawPeer bad(loop, server->addresses()[0]);
    bad.send("throw\n");
    auto last = co_await bad.read_all();
    EXPECT_EQ(last, "throw\n");
    good.send("still here\n");
    auto reply = co_await good.read_line();
    EXPECT_EQ(reply, "still here");
  });
  EXPECT_THAT(errors, ElementsAre("a bug"));
}

TEST_F(ServerTest, EndsOnlyTheClientWhoseHandlerThrowsBeforeItIsACoroutine) {
  int calls = 0;
  auto server = start_server(loop, options(), [&](Client& client) {
    if (++calls == 1) throw std::runtime_error("a bug");
    return echo(client);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer bad(loop, server->addresses()[0]);
    auto all = co_await bad.read_all();
    EXPECT_EQ(all, "");
    auto reply = co_await ask(server->addresses()[0], "hello");
    EXPECT_EQ(reply, "hello");
  });
  EXPECT_THAT(errors, ElementsAre("a bug"));
}

// ---------------------------------------------------------------- admission

std::string refusal(const Peer& peer, Admission::Verdict verdict) {
  bool address = verdict == Admission::Verdict::too_many_from_address;
  return "no: " + peer.address() + (address ? " has enough\n" : " may not\n");
}

TEST_F(ServerTest, LimitsTheConnectionsOfAnAddress) {
  auto with = options();
  with.admission.max_per_address = 2;
  with.on_refused = refusal;
  auto server = start_server(loop, with, echo);
  std::string address = server->addresses()[0];
  run_test(loop, [&]() -> Task<> {
    RawPeer one(loop, address);
    RawPeer two(loop, address);
    RawPeer three(loop, address);
    three.send("hello\n");
    auto words = co_await three.read_all();
    EXPECT_EQ(words, "no: 127.0.0.1 has enough\n");
    EXPECT_FALSE(three.was_reset());
    RawPeer other(loop, address, {.from = "127.0.0.2"});
    other.send("hello\n");
    auto reply = co_await other.read_line();
    EXPECT_EQ(reply, "hello");
    EXPECT_EQ(server->connections(), 3u);
    one.close();
    co_await until(loop, [&] { return server->connections() == 2; });
    auto again = co_await ask(address, "again");
    EXPECT_EQ(again, "again");
  });
}

TEST_F(ServerTest, RefusesHundredsAtOnce) {
  auto with = options();
  with.admission.max_per_address = 1;
  with.on_refused = refusal;
  auto server = start_server(loop, with, echo);
  std::string address = server->addresses()[0];
  run_test(loop, [&]() -> Task<> {
    RawPeer first(loop, address);
    std::vector<std::unique_ptr<RawPeer>> refused;
    for (int i = 0; i < 300; ++i) refused.push_back(std::make_unique<RawPeer>(loop, address));
    for (auto& peer : refused) {
      auto words = co_await peer->read_line();
      EXPECT_EQ(words, "no: 127.0.0.1 has enough");
    }
    first.send("hello\n");
    auto reply = co_await first.read_line();
    EXPECT_EQ(reply, "hello");
  });
}

TEST_F(ServerTest, PausesAtTheCapAndResumesAtNinetyFivePercent) {
  auto with = options();
  with.admission.max_connections = 40;
  auto server = start_server(loop, with, echo);
  std::string address = server->addresses()[0];
  run_test(loop, [&]() -> Task<> {
    std::vector<std::unique_ptr<RawPeer>> peers;
    for (int i = 0; i < 40; ++i) peers.push_back(std::make_unique<RawPeer>(loop, address));
    co_await until(loop, [&] { return server->connections() == 40; });
    RawPeer waiting(loop, address);
    waiting.send("hello\n");
    peers.pop_back();
    co_await until(loop, [&] { return server->connections() == 39; });
    co_await io_turn(loop);
    EXPECT_EQ(server->connections(), 39u);  // 38 are 95 %
    peers.pop_back();
    auto reply = co_await waiting.read_line();
    EXPECT_EQ(reply, "hello");
    EXPECT_EQ(server->connections(), 39u);
  });
}

TEST_F(ServerTest, ClosesTheBiggestHolderWhenTogetherTheyHoldTooMuch) {
  auto with = options();
  with.max_buffered = 100'000;
  auto server = start_server(loop, with, [](Client& client) -> Task<> {
    auto line = co_await client.read_line();
    client.hold(std::stoul(std::string(*line)));
    client.send("held\n");
    auto end = co_await client.read_line();
    EXPECT_FALSE(end);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer small(loop, server->addresses()[0]);
    small.send("40000\n");
    co_await small.read_line();
    RawPeer big(loop, server->addresses()[0]);
    big.send("60001\n");
    co_await big.read_line();
    EXPECT_TRUE(server->budget().full());
    EXPECT_FALSE(server->budget().burst());
    RawPeer last(loop, server->addresses()[0]);
    last.send("30000\n");
    auto all = co_await big.read_all();
    EXPECT_EQ(all, "");
    auto reply = co_await last.read_line();
    EXPECT_EQ(reply, "held");
    EXPECT_EQ(server->budget().used(), 70'000u);
    EXPECT_EQ(server->connections(), 2u);
  });
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_THAT(dropped[0], HasSubstr("holds the most memory"));
}

TEST_F(ServerTest, CountsWhatClientsHold) {
  Client* held = nullptr;
  auto with = options();
  auto server = start_server(loop, with, [&](Client& client) -> Task<> {
    held = &client;
    auto line = co_await client.read_line();
    EXPECT_TRUE(line);
    client.hold(500);
    client.let_go(100);
    co_await client.read_line();
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("partial");
    co_await until(loop, [&] { return server->budget().used() == 7; });
    peer.send("\n");
    co_await until(loop, [&] { return server->budget().used() == 400; });
    peer.reset();
    co_await until(loop, [&] { return server->connections() == 0; });
    EXPECT_EQ(server->budget().used(), 0u);
  });
}

TEST_F(ServerTest, OutlivesTwoThousandConnections) {
  auto server = start_server(loop, options(), echo);
  std::string address = server->addresses()[0];
  run_test(loop, [&]() -> Task<> {
    for (int wave = 0; wave < 10; ++wave) {
      std::vector<std::unique_ptr<RawPeer>> peers;
      for (int i = 0; i < 200; ++i) peers.push_back(std::make_unique<RawPeer>(loop, address));
      for (auto& peer : peers) peer->send("hello\n");
      for (std::size_t i = 0; i < peers.size(); ++i) {
        auto reply = co_await peers[i]->read_line();
        EXPECT_EQ(reply, "hello");
        if (i % 3 == 0) peers[i]->reset();
        if (i % 3 == 1) peers[i]->half_close();
      }
    }
    co_await until(loop, [&] { return server->connections() == 0; });
    EXPECT_EQ(server->budget().used(), 0u);
  });
}

// ---------------------------------------------------------------- the end

TEST_F(ServerTest, EndsItsClientsWhenDestroyed) {
  Event cancelled(loop);
  auto server = start_server(loop, options(), [&](Client& client) -> Task<> {
    SetAtEnd at_end{cancelled};
    co_await client.write("welcome\n");
    co_await client.read_line();
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    co_await peer.read_line();
    server.reset();
    EXPECT_TRUE(cancelled.is_set());
    co_await peer.read_all();
    EXPECT_TRUE(peer.ended());
  });
}

TEST_F(ServerTest, MayBeDestroyedAtItsCapWhileOthersWait) {
  auto with = options();
  with.admission.max_connections = 1;
  auto server = start_server(loop, with, echo);
  run_test(loop, [&]() -> Task<> {
    RawPeer one(loop, server->addresses()[0]);
    RawPeer waiting(loop, server->addresses()[0]);
    co_await until(loop, [&] { return server->connections() == 1; });
    co_await io_turn(loop);
    server.reset();
  });
}

TEST_F(ServerTest, LeavesTheLoopNothingToWaitForAfterADrain) {
  auto server = start_server(loop, options(), echo);
  run_test(loop, [&]() -> Task<> {
    auto reply = co_await ask(server->addresses()[0], "hello");
    EXPECT_EQ(reply, "hello");
    auto clean = co_await server->drain(5s);
    EXPECT_TRUE(clean);
  });
  EXPECT_FALSE(loop.timers().next());
  loop.run();  // returns
}

TEST_F(ServerTest, RefusesConnectionsOnceItStoppedAccepting) {
  auto server = start_server(loop, options(), echo);
  std::string address = server->addresses()[0];
  run_test(loop, [&]() -> Task<> {
    RawPeer before(loop, address);
    before.send("hello\n");
    co_await before.read_line();
    server->stop_accepting();
    co_await io_turn(loop);
    EXPECT_THROW(RawPeer(loop, address), std::system_error);
    before.send("still here\n");
    auto reply = co_await before.read_line();
    EXPECT_EQ(reply, "still here");
  });
  EXPECT_THAT(server->addresses(), IsEmpty());
}

TEST_F(ServerTest, EndsIdleClientsInADrain) {
  auto server = start_server(loop, options(), describe);
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("a\n");
    co_await peer.read_line();
    TaskGroup reading(loop);
    std::string rest;
    reading.spawn([](RawPeer& from, std::string& to) -> Task<> {
      to = co_await from.read_all();
      from.close();
    }(peer, rest));
    auto clean = co_await server->drain(5s);
    EXPECT_TRUE(clean);
    co_await reading.join();
    EXPECT_EQ(rest, "end\n");
  });
  EXPECT_THAT(dropped, IsEmpty());
}

TEST_F(ServerTest, HandlesCompleteLinesInADrainAndDropsAHalfOne) {
  Event proceed(loop);
  auto server = start_server(loop, options(), [&](Client& client) -> Task<> {
    co_await proceed.wait();
    co_await describe(client);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("one\ntwo\nhal");
    co_await until(loop, [&] { return server->budget().used() == 11; });
    TaskGroup draining(loop);
    draining.spawn([](Server& which) -> Task<> { co_await which.drain(5s); }(*server));
    co_await until(loop, [&] { return server->draining(); });
    proceed.set();
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "<one>\n<two>\nend\n");
    peer.close();
    co_await draining.join();
  });
}

// A handler that has calls in flight, reads on, and counts what it sees.
TEST_F(ServerTest, TellsABusyClientsLateLines) {
  Event call_done(loop);
  auto server = start_server(loop, options(), [&](Client& client) -> Task<> {
    auto first = co_await client.read_line();
    EXPECT_FALSE(first->late);
    client.set_busy(true);
    TaskGroup calls(client.loop());
    calls.spawn([](Client& caller, Event& done) -> Task<> {
      co_await done.wait();
      caller.send("call done\n");
      caller.set_busy(false);
    }(client, call_done));
    co_await describe(client);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("call\nin time\nla");
    auto in_time_reply = co_await peer.read_line();
    EXPECT_EQ(in_time_reply, "<in time>");
    TaskGroup draining(loop);
    bool clean = false;
    draining.spawn(
        [](Server& which, bool& result) -> Task<> { result = co_await which.drain(5s); }(*server, clean));
    co_await until(loop, [&] { return server->draining(); });
    peer.send("te\n");
    auto late = co_await peer.read_line();
    EXPECT_EQ(late, "<late> late");
    call_done.set();
    auto rest = co_await peer.read_all();
    EXPECT_EQ(rest, "call done\nend\n");
    peer.close();
    co_await draining.join();
    EXPECT_TRUE(clean);
  });
}

TEST_F(ServerTest, TellsALineInTimeIfItWasCompleteBeforeTheDrain) {
  Event proceed(loop);
  auto server = start_server(loop, options(), [&](Client& client) -> Task<> {
    auto first = co_await client.read_line();
    EXPECT_EQ(*first, "one");
    co_await proceed.wait();
    co_await describe(client);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("one\ntwo\nthree");
    peer.half_close();
    co_await until(loop, [&] { return server->budget().used() > 0; });
    co_await io_turn(loop);
    TaskGroup draining(loop);
    draining.spawn([](Server& which) -> Task<> { co_await which.drain(5s); }(*server));
    co_await until(loop, [&] { return server->draining(); });
    proceed.set();
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "<two>\n<three>\nend\n");
    co_await draining.join();
  });
}

TEST_F(ServerTest, CancelsWhatADrainCannotWaitFor) {
  Event cancelled(loop);
  auto server = start_server(loop, options(), [&](Client& client) -> Task<> {
    SetAtEnd at_end{cancelled};
    co_await client.read_line();
    Event never(client.loop());
    co_await never.wait();
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("work\n");
    co_await until(loop, [&] { return server->connections() == 1; });
    auto clean = co_await server->drain(30ms);
    EXPECT_FALSE(clean);
    co_await cancelled.wait();
    co_await until(loop, [&] { return server->connections() == 0; });
    co_await peer.read_all();
  });
}

TEST_F(ServerTest, DrainsWhoeverWasInTheAcceptQueue) {
  auto server = start_server(loop, options(), [](Client& client) -> Task<> {
    auto line = co_await client.read_line();
    if (line) client.send(std::string(*line) + "!\n");
  });
  run_test(loop, [&]() -> Task<> {
    std::vector<std::unique_ptr<RawPeer>> peers;
    for (int i = 0; i < 20; ++i) {
      peers.push_back(std::make_unique<RawPeer>(loop, server->addresses()[0]));
      peers.back()->send("hello\n");
      peers.back()->half_close();
    }
    auto clean = co_await server->drain(10s);
    EXPECT_TRUE(clean);
    for (auto& peer : peers) {
      auto reply = co_await peer->read_all();
      EXPECT_EQ(reply, "hello!\n");
    }
  });
}

}  // namespace
}  // namespace linegate
