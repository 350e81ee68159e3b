// What happens to connections that libcurl keeps for later must not reach the next call.
#include <gtest/gtest.h>

#include <string>

#include "../support/run.h"
#include "../support/scripted_api.h"
#include "http/session.h"

namespace linegate {
namespace {

using Connection = ScriptedApi::Connection;

SendOptions in_five_seconds() {
  SendOptions options;
  options.clocks.total = deadline_after(Clock::now(), 5s);
  return options;
}

// The first connection answers "first" and then does `spoil`; later ones answer "later".
void expect_clean_second_answer(std::function<void(Connection&)> spoil) {
  Latch spoiled;
  ScriptedApi api([&](Connection& connection) {
    connection.read_request();
    if (connection.number > 0) {
      connection.send(reply("\"later\""));
      connection.wait_for_end();
      return;
    }
    connection.send(reply("\"first\""));
    spoil(connection);
    spoiled.set();
    connection.wait_for_end();
  });
  Loop loop;
  Session session(loop);
  auto origin = session.make_origin(api.url(), {});
  run_test(loop, [&]() -> Task<> {
    Request request;
    auto first = co_await session.send(*origin, request, in_five_seconds());
    EXPECT_EQ(first.body, "\"first\"");
    EXPECT_TRUE(spoiled.wait());
    auto second = co_await session.send(*origin, request, in_five_seconds());
    EXPECT_FALSE(second.error) << second.error->message;
    EXPECT_EQ(second.status, 200);
    EXPECT_EQ(second.body, "\"later\"");
  });
  EXPECT_EQ(api.request_count(), 2u);
}

TEST(IdleConnection, ThatWasClosedIsNotUsed) {
  expect_clean_second_answer([](Connection& connection) { connection.finish(); });
}

TEST(IdleConnection, ThatWasResetIsNotUsed) {
  expect_clean_second_answer([](Connection& connection) { connection.reset(); });
}

TEST(IdleConnection, WithAStray408IsNotUsed) {
  expect_clean_second_answer([](Connection& connection) {
    connection.send("HTTP/1.1 408 Request Time-out\r\nContent-Length: 0\r\n\r\n");
  });
}

TEST(IdleConnection, WithAStrayAnswerAndAnEndIsNotUsed) {
  expect_clean_second_answer([](Connection& connection) {
    connection.send(reply("\"wrong\""));
    connection.finish();
  });
}

TEST(IdleConnection, WithMoreBytesThanTheKernelHoldsIsNotUsed) {
  expect_clean_second_answer([](Connection& connection) {
    connection.send(std::string(8192, 'x'));
    connection.reset();
  });
}

TEST(IdleConnection, ThatDiesWhileTheLoopRunsIsDroppedAtOnce) {
  Latch go;
  Latch dropped;
  ScriptedApi api([&](Connection& connection) {
    connection.read_request();
    connection.send(reply("1"));
    go.wait();
    connection.send("HTTP/1.1 408 Request Time-out\r\n\r\n");
    if (connection.wait_for_end()) dropped.set();
  });
  Loop loop;
  Session session(loop);
  run_test(loop, [&]() -> Task<> {
    auto first = co_await session.get(api.url());
    EXPECT_TRUE(first.ok());
    go.set();
    co_await sleep(loop, 30ms);  // the loop runs, nobody calls
    EXPECT_TRUE(dropped.wait());
  });
}

TEST(IdleConnection, ThatIsHealthyIsUsedAgain) {
  ScriptedApi api(ScriptedApi::answering([](const std::string&) { return reply("1"); }));
  Loop loop;
  Session session(loop);
  run_test(loop, [&]() -> Task<> {
    for (int i = 0; i < 20; ++i) {
      auto answer = co_await session.get(api.url());
      EXPECT_TRUE(answer.ok());
    }
  });
  EXPECT_EQ(api.connection_count(), 1);
}

TEST(IdleConnection, IsNotUsedForLongerThanMaxIdle) {
  ScriptedApi api(ScriptedApi::answering([](const std::string&) { return reply("1"); }));
  Loop loop;
  SessionOptions options;
  options.origin.max_idle = 1s;
  Session session(loop, options);
  run_test(loop, [&]() -> Task<> {
    co_await session.get(api.url());
    co_await sleep(loop, 2100ms);  // libcurl counts whole seconds
    co_await session.get(api.url());
  });
  EXPECT_EQ(api.connection_count(), 2);
}

TEST(IdleConnection, ThatDiesByTheDozenIsNeverUsed) {
  constexpr int kMany = 12;
  ScriptedApi api([&](Connection& connection) {
    if (connection.read_request().empty()) return;
    connection.send(reply(std::to_string(connection.number)));
    switch (connection.number % 3) {
      case 0:
        return connection.finish();
      case 1:
        return connection.reset();
      default:
        connection.send("HTTP/1.1 408 Request Time-out\r\nContent-Length: 0\r\n\r\n");
        connection.wait_for_end();
    }
  });
  Loop loop;
  Session session(loop);
  auto origin = session.make_origin(api.url(), {});
  int good = 0;
  run_test(loop, [&]() -> Task<> {
    for (int round = 0; round < 4; ++round) {
      TaskGroup group(loop);
      auto one = [&]() -> Task<> {
        Request request;
        auto answer = co_await session.send(*origin, request, in_five_seconds());
        if (answer.ok() && !answer.body.empty()) ++good;
      };
      for (int i = 0; i < kMany; ++i) group.spawn(one());
      co_await group.join();
      EXPECT_TRUE(api.wait_for_requests(static_cast<std::size_t>(kMany * (round + 1))));
      co_await sleep(loop, 20ms);
    }
  });
  EXPECT_EQ(good, 4 * kMany);
  EXPECT_EQ(api.request_count(), static_cast<std::size_t>(4 * kMany));
}

}  // namespace
}  // namespace linegate
