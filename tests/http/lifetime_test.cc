// Transfers that are destroyed at every point of their life, and sessions that end with connections open. The
// Loop's destructor asserts that nothing is left behind.
#include <gtest/gtest.h>

#include <string>

#include "../support/run.h"
#include "../support/scripted_api.h"
#include "http/session.h"

namespace linegate {
namespace {

using Connection = ScriptedApi::Connection;

// Starts a GET, destroys its task when `when` says so, and expects the server to see the connection's end.
void cancel_when(ScriptedApi& api, Latch& ended, std::function<Task<>(Loop&)> when,
                 const std::string& scheme = "http") {
  Loop loop;
  Session session(loop);
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    auto call = [&]() -> Task<> {
      co_await session.get(scheme + api.url().substr(4));
      ADD_FAILURE() << "the call was to be cancelled";
    };
    group.spawn(call());
    co_await when(loop);
    EXPECT_EQ(session.active(), 1u);
    group.cancel();
    co_await group.join();
    EXPECT_EQ(session.active(), 0u);
    EXPECT_TRUE(ended.wait());
  });
}

TEST(Transfer, IsCancelledWhileItWaitsForTheAnswer) {
  Latch ended;
  ScriptedApi api([&](Connection& connection) {
    connection.read_request();
    if (connection.wait_for_end()) ended.set();
  });
  cancel_when(api, ended,
              [&](Loop& loop) -> Task<> { co_await until(loop, [&] { return api.request_count() == 1; }); });
}

TEST(Transfer, IsCancelledInTheMiddleOfTheBody) {
  Latch ended;
  Latch half;
  ScriptedApi api([&](Connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1");
    half.set();
    if (connection.wait_for_end()) ended.set();
  });
  cancel_when(api, ended, [&](Loop& loop) -> Task<> {
    co_await until(loop, [&] { return api.request_count() == 1; });
    half.wait();
    co_await sleep(loop, 5ms);
  });
}

TEST(Transfer, IsCancelledInTheHandshake) {
  Latch ended;
  ScriptedApi api([&](Connection& connection) {
    if (connection.wait_for_end()) ended.set();
  });
  auto connected = [&](Loop& loop) -> Task<> {
    co_await until(loop, [&] { return api.connection_count() == 1; });
  };
  cancel_when(api, ended, connected, "https");
}

TEST(Transfer, IsDestroyedWhenReadyButNotResumed) {
  ScriptedApi api(ScriptedApi::answering([](const std::string&) { return reply("1"); }));
  Loop loop;
  Session session(loop);
  int resumed = 0;
  // Both calls end in one drain; whoever is resumed first destroys the other.
  run_test(loop, [&]() -> Task<> {
    co_await session.get(api.url());
    for (int round = 0; round < 20; ++round) {
      TaskGroup first(loop);
      TaskGroup second(loop);
      auto call = [&](TaskGroup& other) -> Task<> {
        co_await session.get(api.url());
        ++resumed;
        other.cancel();
      };
      first.spawn(call(second));
      second.spawn(call(first));
      co_await first.join();
      co_await second.join();
    }
  });
  EXPECT_GE(resumed, 20);
  EXPECT_EQ(session.active(), 0u);
}

TEST(Transfer, IsDestroyedBeforeItStarted) {
  ScriptedApi api(ScriptedApi::answering([](const std::string&) { return reply("1"); }));
  Loop loop;
  Session session(loop);
  {
    TaskGroup group(loop);
    auto call = [&]() -> Task<> { co_await session.get(api.url()); };
    group.spawn(call());
  }
  loop.run();
  EXPECT_EQ(api.connection_count(), 0);
}

TEST(Transfer, GivesItsPlaceBackWhenDestroyed) {
  ScriptedApi api([](Connection& connection) {
    std::string request = connection.read_request();
    if (request.find("/slow") == request.npos) connection.send(reply("1"));
    connection.wait_for_end();
  });
  Loop loop;
  Session session(loop, {.max_transfers = 1});
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    TaskGroup waiting(loop);
    auto slow = [&]() -> Task<> { co_await session.get(api.url("/slow")); };
    group.spawn(slow());
    co_await io_turn(loop);
    waiting.spawn(slow());  // for the place
    co_await io_turn(loop);
    waiting.cancel();
    group.cancel();
    auto answer = co_await session.get(api.url());
    EXPECT_TRUE(answer.ok());
  });
}

TEST(Transfer, IsCancelledWhileItsNameIsLookedUp) {
  Latch let_go;
  Latch asked;
  SessionOptions options;
  options.resolver.lookup = [&](const char*, const char*, const addrinfo*, addrinfo**) {
    asked.set();
    let_go.wait();
    return EAI_NONAME;
  };
  Loop loop;
  Session session(loop, options);
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    auto call = [&]() -> Task<> { co_await session.get("http://hang.test/"); };
    group.spawn(call());
    co_await io_turn(loop);
    EXPECT_TRUE(asked.wait());
    group.cancel();
    let_go.set();
    co_await session.get("http://hang.test/");  // joins the lookup: when this ends, none is left in the pool
  });
}

TEST(Session, EndsWithIdleConnectionsOpen) {
  ScriptedApi api(ScriptedApi::answering([](const std::string&) { return reply("1"); }));
  Loop loop;
  {
    Session session(loop);
    run_test(loop, [&]() -> Task<> {
      TaskGroup group(loop);
      auto call = [&]() -> Task<> { co_await session.get(api.url()); };
      for (int i = 0; i < 10; ++i) group.spawn(call());
      co_await group.join();
    });
  }
  loop.run();
}

TEST(Session, DoesNotKeepTheLoopRunningWhenIdle) {
  ScriptedApi api(ScriptedApi::answering([](const std::string&) { return reply("1"); }));
  Loop loop;
  Session session(loop);
  TaskGroup group(loop);
  auto call = [&]() -> Task<> { co_await session.get(api.url()); };
  group.spawn(call());
  loop.run();  // returns
  EXPECT_TRUE(group.empty());
}

TEST(Session, MixesCancelledAndFinishedCalls) {
  ScriptedApi api(ScriptedApi::answering([](const std::string& request) {
    return request.find("/drip") != request.npos
               ? std::string("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[")
               : reply("1");
  }));
  Loop loop;
  Session session(loop, {.max_transfers = 0});
  int good = 0;
  run_test(loop, [&]() -> Task<> {
    for (int round = 0; round < 5; ++round) {
      TaskGroup drips(loop);
      TaskGroup group(loop);
      auto drip = [&]() -> Task<> { co_await session.get(api.url("/drip")); };
      auto call = [&]() -> Task<> {
        auto answer = co_await session.get(api.url());
        good += answer.ok();
      };
      for (int i = 0; i < 10; ++i) {
        drips.spawn(drip());
        group.spawn(call());
      }
      co_await group.join();
      drips.cancel();
      co_await drips.join();
    }
  });
  EXPECT_EQ(good, 50);
  EXPECT_EQ(session.active(), 0u);
}

}  // namespace
}  // namespace linegate
