// Client on real sockets: what a handler reads, what it writes, and how a connection ends.
#include "net/client.h"

#include "net_test.h"

namespace linegate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ClientTest : public NetTest {
 protected:
  std::unique_ptr<Server> serve(ServerOptions with, auto handler) {
    return start_server(loop, std::move(with), std::move(handler));
  }
  ServerOptions with_max_line(std::size_t bytes) {
    auto result = options();
    result.client.max_line = bytes;
    return result;
  }
  // What describe() says to `sent`, when that comes at once and is followed by the end of input.
  std::string described(ServerOptions with, std::string sent) {
    std::string reply;
    auto server = serve(std::move(with), describe);
    run_test(loop, [&]() -> Task<> {
      RawPeer peer(loop, server->addresses()[0]);
      auto all_sent = co_await peer.send_all(sent);
      EXPECT_TRUE(all_sent);
      peer.half_close();
      reply = co_await peer.read_all();
      EXPECT_FALSE(peer.was_reset());
    });
    return reply;
  }
};

// ---------------------------------------------------------------- reading

TEST_F(ClientTest, ReadsLines) {
  EXPECT_EQ(described(options(), "one\ntwo\n"), "<one>\n<two>\nend\n");
}

TEST_F(ClientTest, ReadsALineThatArrivesByteByByte) {
  auto server = serve(options(), describe);
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    for (char byte : std::string("weather oslo\r\nnext\n")) {
      peer.send({&byte, 1});
      co_await io_turn(loop);
    }
    auto first = co_await peer.read_line();
    EXPECT_EQ(first, "<weather oslo>");
    auto second = co_await peer.read_line();
    EXPECT_EQ(second, "<next>");
  });
}

TEST_F(ClientTest, DropsOneCrBeforeTheLf) {
  EXPECT_EQ(described(options(), "a\r\nb\r\r\nc\rd\n\r\n"), "<a>\n<b\r>\n<c\rd>\n<>\nend\n");
}

TEST_F(ClientTest, ReadsEmptyLinesAsEmpty) {
  EXPECT_EQ(described(options(), "\n\na\n"), "<>\n<>\n<a>\nend\n");
}

TEST_F(ClientTest, TakesALastLineWithoutLf) {
  EXPECT_EQ(described(options(), "one\ntwo"), "<one>\n<two>\nend\n");
  EXPECT_EQ(described(options(), "two\r"), "<two>\nend\n");
}

TEST_F(ClientTest, KeepsNulBytes) {
  EXPECT_EQ(described(options(), std::string("a\0b\n", 4)), std::string("<a\0b>\nend\n", 10));
}

TEST_F(ClientTest, TakesALineOfExactlyTheLimit) {
  EXPECT_EQ(described(with_max_line(8), "12345678\n"), "<12345678>\nend\n");
  EXPECT_EQ(described(with_max_line(8), "12345678\r\n"), "<12345678>\nend\n");
  EXPECT_EQ(described(with_max_line(8), "12345678"), "<12345678>\nend\n");
}

TEST_F(ClientTest, CutsALineOneByteOverTheLimitAndGoesOn) {
  EXPECT_EQ(described(with_max_line(8), "123456789\nnext\n"), "<12345678> too long\n<next>\nend\n");
  EXPECT_EQ(described(with_max_line(8), "123456789\r\nnext\n"), "<12345678> too long\n<next>\nend\n");
  EXPECT_EQ(described(with_max_line(8), "123456789"), "<12345678> too long\nend\n");
}

TEST_F(ClientTest, SkipsAHugeLineUpToItsLf) {
  std::string huge(300'000, 'x');
  std::string cut(64 * 1024, 'x');
  EXPECT_EQ(described(options(), "a\n" + huge + "\nb\n"), "<a>\n<" + cut + "> too long\n<b>\nend\n");
  EXPECT_EQ(described(options(), huge), "<" + cut + "> too long\nend\n");
}

TEST_F(ClientTest, SaysThatALineIsTooLongBeforeItsLfComes) {
  auto server = serve(with_max_line(8), describe);
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("1234567890");
    auto reply = co_await peer.read_line();
    EXPECT_EQ(reply, "<12345678> too long");
    peer.send("the rest");
    co_await io_turn(loop);
    peer.send("\nnext\n");
    auto next = co_await peer.read_line();
    EXPECT_EQ(next, "<next>");
  });
}

TEST_F(ClientTest, ReadsALineOfTheLimitSplitAnywhere) {
  auto server = serve(with_max_line(4), describe);
  run_test(loop, [&]() -> Task<> {
    std::string line = "1234\r\n";
    for (std::size_t cut = 1; cut < line.size(); ++cut) {
      RawPeer peer(loop, server->addresses()[0]);
      peer.send(line.substr(0, cut));
      co_await io_turn(loop);
      peer.send(line.substr(cut));
      auto reply = co_await peer.read_line();
      EXPECT_EQ(reply, "<1234>") << cut;
    }
  });
}

TEST_F(ClientTest, SaysTheEndAgainAndAgain) {
  int ends = 0;
  auto server = serve(options(), [&](Client& client) -> Task<> {
    for (int i = 0; i < 100; ++i) {
      auto line = co_await client.read_line();
      if (!line) ++ends;
    }
    auto bytes = co_await client.read(10);
    EXPECT_FALSE(bytes);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.half_close();
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "");
  });
  EXPECT_EQ(ends, 100);
}

TEST_F(ClientTest, KeepsALineValidWhileMoreBytesArrive) {
  std::string seen;
  Event look(loop);
  auto server = serve(options(), [&](Client& client) -> Task<> {
    auto line = co_await client.read_line();
    co_await look.wait();
    seen = *line;
    auto next = co_await client.read_line();
    EXPECT_EQ(next->size(), 60'000u);
    EXPECT_EQ(next->find_first_not_of('y'), std::string_view::npos);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("first\n");
    co_await io_turn(loop);
    for (int i = 0; i < 6; ++i) {
      peer.send(std::string(10'000, 'y'));
      co_await io_turn(loop);
    }
    peer.send("\n");
    look.set();
    co_await peer.read_all();
  });
  EXPECT_EQ(seen, "first");
}

TEST_F(ClientTest, KeepsALineValidAfterClose) {
  auto server = serve(options(), [](Client& client) -> Task<> {
    auto line = co_await client.read_line();
    client.close();
    co_await io_turn(client.loop());
    client.send(*line);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("a line and\nmore\n");
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "a line and");
  });
}

TEST_F(ClientTest, ReadsUpToNBytes) {
  std::vector<std::string> chunks;
  auto server = serve(options(), [&](Client& client) -> Task<> {
    for (;;) {
      auto bytes = co_await client.read(4);
      if (!bytes) co_return;
      chunks.emplace_back(*bytes);
    }
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("123456\n89");
    peer.half_close();
    co_await peer.read_all();
  });
  EXPECT_THAT(chunks, ElementsAre("1234", "56\n8", "9"));
}

TEST_F(ClientTest, ReadsLinesAndBytesInTurn) {
  std::string body;
  auto server = serve(options(), [&](Client& client) -> Task<> {
    auto header = co_await client.read_line();
    std::size_t length = std::stoul(std::string(*header));
    while (body.size() < length) {
      auto bytes = co_await client.read(length - body.size());
      if (!bytes) break;
      body += *bytes;
    }
    auto last = co_await client.read_line();
    body += "|" + std::string(*last);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("6\nab\n");
    co_await io_turn(loop);
    peer.send("cd\nlast\n");
    co_await peer.read_all();
  });
  EXPECT_EQ(body, "ab\ncd\n|last");
}

TEST_F(ClientTest, PeeksAtTheBeginningOfALineWithoutTakingIt) {
  std::vector<std::string> seen;
  auto server = serve(options(), [&](Client& client) -> Task<> {
    for (;;) {
      auto start = co_await client.peek_line(4);
      if (!start) co_return;
      seen.emplace_back(*start);
      auto line = co_await client.read_line();
      seen.emplace_back(*line);
    }
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("GET / HTTP/1.1\nab\n\nxyz");
    peer.half_close();
    co_await peer.read_all();
  });
  EXPECT_THAT(seen, ElementsAre("GET ", "GET / HTTP/1.1", "ab", "ab", "", "", "xyz", "xyz"));
}

TEST_F(ClientTest, PeeksAsSoonAsEnoughIsThere) {
  auto server = serve(options(), [](Client& client) -> Task<> {
    auto start = co_await client.peek_line(4);
    client.send(*start);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("123");
    co_await io_turn(loop);
    peer.send("456");
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "1234");
  });
}

TEST_F(ClientTest, TakesNoMoreThanALineAheadOfItsHandler) {
  Event go_on(loop);
  Client* busy = nullptr;
  std::size_t received = 0;
  auto server = serve(options(), [&](Client& client) -> Task<> {
    auto line = co_await client.read_line();
    received += line->size() + 1;
    busy = &client;
    co_await go_on.wait();
    for (;;) {
      auto next = co_await client.read_line();
      if (!next) co_return;
      received += next->size() + 1;
    }
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    std::string kilobyte(1023, 'x');
    kilobyte += '\n';
    std::string megabytes;
    for (int i = 0; i < 16 * 1024; ++i) megabytes += kilobyte;
    TaskGroup sending(loop);
    sending.spawn([](RawPeer& to, std::string bytes) -> Task<> {
      auto sent = co_await to.send_all(std::move(bytes));
      EXPECT_TRUE(sent);
      to.half_close();
    }(peer, std::move(megabytes)));
    co_await until(loop, [&] { return busy && busy->held() > 64 * 1024; });
    for (int i = 0; i < 20; ++i) co_await io_turn(loop);
    EXPECT_LE(busy->held(), 3u * 64 * 1024);
    go_on.set();
    co_await sending.join();
    co_await peer.read_all();
  });
  EXPECT_EQ(received, 16u * 1024 * 1024);
}

TEST_F(ClientTest, SeesAResetWhileItsHandlerWorksThroughALongBacklog) {
  Event cancelled(loop);
  auto server = serve(options(), [&](Client& client) -> Task<> {
    SetAtEnd at_end{cancelled};
    for (int i = 0; i < 100; ++i) co_await client.read_line();
    Event never(client.loop());
    co_await never.wait();
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    std::string lines;
    for (int i = 0; i < 130; ++i) lines += std::string(999, 'x') + "\n";  // reading stops in between
    auto sent = co_await peer.send_all(lines);
    EXPECT_TRUE(sent);
    co_await io_turn(loop);
    peer.reset();
    co_await cancelled.wait();
  });
}

TEST_F(ClientTest, LetsOthersRunWhileOneSendsManyLines) {
  Event first_done(loop);
  int lines = 0;
  int lines_when_other_was_served = 0;
  auto server = serve(options(), [&](Client& client) -> Task<> {
    for (;;) {
      auto line = co_await client.read_line();
      if (!line) co_return;
      if (*line == "other") lines_when_other_was_served = lines;
      ++lines;
    }
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer other(loop, server->addresses()[0]);
    RawPeer greedy(loop, server->addresses()[0]);
    std::string many(60'000, '\n');
    greedy.send(many);
    other.send("other\n");
    greedy.half_close();
    other.half_close();
    co_await greedy.read_all();
    co_await other.read_all();
  });
  EXPECT_EQ(lines, 60'001);
  EXPECT_LT(lines_when_other_was_served, 60'000);
}

// ---------------------------------------------------------------- readers that go away

TEST_F(ClientTest, LosesNothingWhenAReaderIsDestroyedWhileItWaits) {
  auto server = serve(options(), [](Client& client) -> Task<> {
    auto read = [](Client& from) -> Task<std::string> {
      auto line = co_await from.read_line();
      co_return std::string(*line);
    };
    auto none = co_await with_timeout(client.loop(), 1ms, read(client));
    client.send(none ? "too early\n" : "waiting\n");
    auto line = co_await client.read_line();
    client.send(*line);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    auto first = co_await peer.read_line();
    EXPECT_EQ(first, "waiting");
    peer.send("the line\n");
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "the line");
  });
}

// Destroys `group` at the moment when the line has been received and its reader was not resumed yet.
Task<> cancel_when_received(Client& client, TaskGroup& group) {
  while (client.held() == 0) co_await Yield(client.loop());
  group.cancel();
}

TEST_F(ClientTest, LosesNothingWhenAReaderIsDestroyedReadyButNotResumed) {
  bool resumed = false;
  auto server = serve(options(), [&](Client& client) -> Task<> {
    TaskGroup canceller(client.loop());
    TaskGroup reader(client.loop());
    canceller.spawn(cancel_when_received(client, reader));
    reader.spawn([](Client& from, bool& flag) -> Task<> {
      co_await from.read_line();
      flag = true;
    }(client, resumed));
    co_await reader.join();
    auto line = co_await client.read_line();
    client.send(*line);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    co_await io_turn(loop);
    peer.send("the line\n");
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "the line");
  });
  EXPECT_FALSE(resumed);
}

TEST_F(ClientTest, MayLoseAWriterThatWaits) {
  auto with = options();
  with.client.max_unsent = 1'000;
  auto server = serve(with, [](Client& client) -> Task<> {
    {
      TaskGroup writers(client.loop());
      for (int i = 0; i < 3; ++i) {
        writers.spawn([](Client& to) -> Task<> { co_await to.write(std::string(4'000'000, 'x')); }(client));
      }
      co_await io_turn(client.loop());
      EXPECT_EQ(writers.size(), 3u);
    }
    auto written = co_await client.writable();
    EXPECT_TRUE(written);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0], {.receive_buffer = 4096});
    for (int i = 0; i < 5; ++i) co_await io_turn(loop);
    auto all = co_await peer.read_all();
    EXPECT_EQ(all.size(), 12'000'000u);
  });
}

TEST_F(ClientTest, MayLoseAWriterReadyButNotResumed) {
  auto server = serve(options(), [](Client& client) -> Task<> {
    TaskGroup writers(client.loop());
    writers.spawn([](Client& to) -> Task<> {
      for (;;) co_await to.write("x");  // after 64 in a row it gives up its turn: ready, not resumed
    }(client));
    co_await Yield(client.loop());
    writers.cancel();
    co_return;
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    auto all = co_await peer.read_all();
    EXPECT_EQ(all.size(), 65u);
  });
}

// ---------------------------------------------------------------- writing

TEST_F(ClientTest, CollectsWhatIsSentInOneIteration) {
  auto server = serve(options(), [](Client& client) -> Task<> {
    for (int i = 0; i < 1'000; ++i) client.send("x\n");
    EXPECT_EQ(client.unsent(), 2'000u);
    co_await io_turn(client.loop());
    EXPECT_EQ(client.unsent(), 0u);
    client.output().append("direct");
    client.sent();
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    auto all = co_await peer.read_all();
    EXPECT_EQ(all.size(), 2'006u);
  });
}

TEST_F(ClientTest, WaitsForAPeerThatDoesNotRead) {
  auto with = options();
  with.client.max_unsent = 10'000;
  std::size_t written = 0;
  std::size_t most = 0;
  auto server = serve(with, [&](Client& client) -> Task<> {
    for (int i = 0; i < 20'000; ++i) {
      auto ok = co_await client.write(std::to_string(1'000'000 + i) + std::string(992, '.') + "\n");
      EXPECT_TRUE(ok);
      most = std::max(most, client.unsent());
      written += 1'000;
    }
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0], {.receive_buffer = 4096});
    for (int i = 0; i < 100; ++i) co_await io_turn(loop);
    EXPECT_LT(written, 20'000'000u);
    EXPECT_LE(most, 11'000u);
    for (int i = 0; i < 20'000; ++i) {
      auto line = co_await peer.read_line();
      if (line.substr(0, 7) != std::to_string(1'000'000 + i)) {
        ADD_FAILURE() << "line " << i << " is " << line.substr(0, 20);
        break;
      }
    }
  });
  EXPECT_EQ(written, 20'000'000u);
}

TEST_F(ClientTest, SaysWhenTheConnectionWasLostWhileWriting) {
  Event done(loop);
  bool last = true;
  auto server = serve(options(), [&](Client& client) -> Task<> {
    client.abort("the test says so");  // cancels this handler, at its next suspension
    last = co_await client.write("x");
    done.set();
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    co_await done.wait();
    co_await peer.read_all();
  });
  EXPECT_FALSE(last);
  EXPECT_THAT(dropped, ElementsAre("the test says so"));
}

// ---------------------------------------------------------------- the end

TEST_F(ClientTest, FlushesEverythingBeforeItCloses) {
  std::string big(8'000'000, 'b');
  auto server = serve(options(), [&](Client& client) -> Task<> {
    client.send(big);
    co_return;
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    auto all = co_await peer.read_all();
    EXPECT_EQ(all.size(), big.size());
    EXPECT_FALSE(peer.was_reset());
  });
  EXPECT_THAT(dropped, IsEmpty());
}

TEST_F(ClientTest, ReadsAndDropsForAWhileSoThatNoResetDestroysTheLastReply) {
  auto server = serve(options(), [](Client& client) -> Task<> {
    auto line = co_await client.read_line();
    client.send(std::string(*line) + ", goodbye\n");
    client.close();
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("hello\n" + std::string(100'000, 'x'));
    auto reply = co_await peer.read_all();
    EXPECT_EQ(reply, "hello, goodbye\n");
    for (int i = 0; i < 3; ++i) {
      peer.send(std::string(10'000, 'x'));  // to a closed socket the second would fail
      co_await io_turn(loop);
    }
    EXPECT_EQ(server->connections(), 1u);
    peer.half_close();
    co_await until(loop, [&] { return server->connections() == 0; });
  });
  EXPECT_THAT(dropped, IsEmpty());
}

TEST_F(ClientTest, DoesNotWaitForeverForThePeersEnd) {
  auto server = serve(options(), [](Client&) -> Task<> { co_return; });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    auto before = Clock::now();
    co_await peer.read_all();
    co_await until(loop, [&] { return server->connections() == 0; });
    EXPECT_LT(Clock::now() - before, 5s);
  });
}

TEST_F(ClientTest, DropsOnlySoMuchOfAPeerThatGoesOnSending) {
  auto server = serve(options(), [](Client&) -> Task<> { co_return; });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    auto sent = co_await peer.send_all(std::string(64'000'000, 'x'));
    EXPECT_FALSE(sent);
    co_await until(loop, [&] { return server->connections() == 0; });
  });
}

TEST_F(ClientTest, CancelsTheHandlerOnAReset) {
  Event working(loop);
  Event cancelled(loop);
  auto server = serve(options(), [&](Client& client) -> Task<> {
    SetAtEnd at_end{cancelled};
    co_await client.read_line();
    working.set();
    Event never(client.loop());
    co_await never.wait();
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("work\n");
    co_await working.wait();
    EXPECT_FALSE(cancelled.is_set());
    peer.reset();
    co_await cancelled.wait();
    co_await until(loop, [&] { return server->connections() == 0; });
  });
  EXPECT_THAT(dropped, ElementsAre("connection reset by peer"));
}

TEST_F(ClientTest, GoesOnAfterAHalfClose) {
  Event proceed(loop);
  auto server = serve(options(), [&](Client& client) -> Task<> {
    auto line = co_await client.read_line();
    std::string reply(*line);
    auto end = co_await client.read_line();
    EXPECT_FALSE(end);
    co_await proceed.wait();
    client.send(reply);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("work\n");
    peer.half_close();
    co_await io_turn(loop);
    proceed.set();
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "work");
  });
  EXPECT_THAT(dropped, IsEmpty());
}

TEST_F(ClientTest, DropsItsOutputOnAbort) {
  auto server = serve(options(), [](Client& client) -> Task<> {
    client.send(std::string(1'000, 'x'));
    client.abort("enough");
    EXPECT_EQ(client.unsent(), 0u);
    client.send("more");
    EXPECT_EQ(client.unsent(), 0u);
    co_return;
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "");
  });
  EXPECT_THAT(dropped, ElementsAre("enough"));
}

// ---------------------------------------------------------------- limits

TEST_F(ClientTest, EndsAnIdleClient) {
  auto with = options();
  with.client.idle_timeout = 40ms;
  auto server = serve(with, describe);
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("a\n");
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "<a>\nend\n");
    EXPECT_FALSE(peer.was_reset());
  });
  EXPECT_THAT(dropped, ElementsAre("it was idle"));
}

TEST_F(ClientTest, HoldsNoBufferOnceItIsIdle) {
  auto with = options();
  with.client.partial_line_timeout = 40ms;  // so that it looks often
  Client* talked = nullptr;
  auto server = serve(with, [&](Client& client) {
    talked = &client;
    return echo(client);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("a\n");
    auto reply = co_await peer.read_line();
    EXPECT_EQ(reply, "a");
    EXPECT_GT(talked->output().capacity(), 0u);
    Time end = Clock::now() + 5s;
    while (talked->output().capacity() > 0 && Clock::now() < end) co_await sleep(loop, 5ms);
    EXPECT_EQ(talked->output().capacity(), 0u);
    peer.send("b\n");
    reply = co_await peer.read_line();
    EXPECT_EQ(reply, "b");
  });
}

TEST_F(ClientTest, DoesNotCallABusyClientIdle) {
  auto with = options();
  with.client.idle_timeout = 40ms;
  Event call_done(loop);
  auto server = serve(with, [&](Client& client) -> Task<> {
    client.set_busy(true);
    TaskGroup calls(client.loop());
    calls.spawn([](Client& caller, Event& done) -> Task<> {
      co_await done.wait();
      caller.send("done\n");
      caller.set_busy(false);
    }(client, call_done));
    auto line = co_await client.read_line();
    EXPECT_FALSE(line);
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    co_await sleep(loop, 150ms);
    EXPECT_THAT(dropped, IsEmpty());
    call_done.set();
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "done\n");
  });
  EXPECT_THAT(dropped, ElementsAre("it was idle"));
}

TEST_F(ClientTest, EndsAClientThatDoesNotFinishItsLine) {
  auto with = options();
  with.client.partial_line_timeout = 40ms;
  auto server = serve(with, describe);
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    TaskGroup dripping(loop);
    dripping.spawn([](Loop& on, RawPeer& from) -> Task<> {
      for (;;) {
        from.send_some("x");
        co_await sleep(on, 5ms);
      }
    }(loop, peer));
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "end\n");
  });
  EXPECT_THAT(dropped, ElementsAre("its line was not finished in time"));
}

TEST_F(ClientTest, EndsAClientThatDoesNotFinishALineThatIsSkipped) {
  auto with = with_max_line(4);
  with.client.partial_line_timeout = 40ms;
  auto server = serve(with, describe);
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    peer.send("1234567");
    auto all = co_await peer.read_all();
    EXPECT_EQ(all, "<1234> too long\nend\n");
  });
  EXPECT_THAT(dropped, ElementsAre("its line was not finished in time"));
}

TEST_F(ClientTest, CutsAPeerThatDoesNotRead) {
  auto with = options();
  with.client.write_timeout = 50ms;
  Event cancelled(loop);
  auto server = serve(with, [&](Client& client) -> Task<> {
    SetAtEnd at_end{cancelled};
    for (;;) co_await client.write(std::string(100'000, 'x'));
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0], {.receive_buffer = 4096});
    co_await cancelled.wait();
    co_await until(loop, [&] { return server->connections() == 0; });
    EXPECT_EQ(server->budget().used(), 0u);
  });
  EXPECT_THAT(dropped, ElementsAre("it does not read its replies"));
}

TEST_F(ClientTest, CutsAPeerThatDoesNotReadAfterTheHandlerHasReturned) {
  auto with = options();
  with.client.write_timeout = 50ms;
  auto server = serve(with, [](Client& client) -> Task<> {
    client.send(std::string(16'000'000, 'x'));
    co_return;
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0], {.receive_buffer = 4096});
    co_await until(loop, [&] { return !dropped.empty() && server->connections() == 0; });
  });
  EXPECT_THAT(dropped, ElementsAre("it does not read its replies"));
}

TEST_F(ClientTest, KeepsASlowPeerThatMakesProgress) {
  auto with = options();
  with.client.write_timeout = 250ms;
  std::string big(16'000'000, 'b');
  auto server = serve(with, [&](Client& client) -> Task<> {
    client.send(big);
    co_return;
  });
  run_test(loop, [&]() -> Task<> {
    RawPeer peer(loop, server->addresses()[0]);
    std::size_t got = 0;
    auto start = Clock::now();
    while (!peer.ended()) {
      auto chunk = co_await peer.read_some(512 * 1024);
      got += chunk.size();
      if (Clock::now() - start < 600ms) co_await sleep(loop, 20ms);
    }
    EXPECT_EQ(got, big.size());
  });
  EXPECT_THAT(dropped, IsEmpty());
}

}  // namespace
}  // namespace linegate
