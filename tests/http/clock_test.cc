// The clocks of a request: which one ran out, and what was going on.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "../support/run.h"
#include "../support/scripted_api.h"
#include "http/session.h"

namespace linegate {
namespace {

using Connection = ScriptedApi::Connection;

struct Limits {
  Duration connect = 10s;
  Duration first_byte = 10s;
  Duration total = 10s;
  Duration client = Duration::max();
};

// What comes of a request to an API that sends `bytes` and no more.
Response ask(const std::string& bytes, Limits limits, const std::string& scheme = "http") {
  ScriptedApi api([&](Connection& connection) {
    if (scheme == "http") {
      connection.read_request();
      connection.send(bytes);
    }
    connection.wait_for_end();
  });
  Loop loop;
  Session session(loop);
  auto origin = session.make_origin(scheme + "://127.0.0.1:" + std::to_string(api.port()), {});
  Response response;
  run_test(loop, [&]() -> Task<> {
    SendOptions options;
    options.clocks.connect = limits.connect;
    options.clocks.first_byte = limits.first_byte;
    options.clocks.total = deadline_after(Clock::now(), limits.total);
    options.clocks.client = deadline_after(Clock::now(), limits.client);
    Request request;
    response = co_await session.send(*origin, request, options);
  });
  return response;
}

void expect_timeout(const Response& response, Phase phase, Limit limit, bool sent) {
  ASSERT_TRUE(response.error);
  EXPECT_EQ(response.error->kind, ErrorKind::timeout) << response.error->message;
  EXPECT_EQ(response.error->phase, phase) << name(response.error->phase);
  EXPECT_EQ(response.error->limit, limit) << name(response.error->limit);
  EXPECT_EQ(response.error->sent, sent);
}

TEST(Clocks, FirstByteRunsOutWhileTheApiIsSilent) {
  auto response = ask("", {.first_byte = 40ms});
  expect_timeout(response, Phase::first_byte, Limit::first_byte, true);
  EXPECT_EQ(response.error->limit_value, 40ms);
  EXPECT_EQ(response.error->message, "no answer within 40 ms");
  EXPECT_GE(response.timings.total, 40ms);
}

TEST(Clocks, InterimAnswersDoNotStopFirstByte) {
  expect_timeout(ask("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
                     {.first_byte = 40ms}),
                 Phase::first_byte, Limit::first_byte, true);
}

TEST(Clocks, FirstByteStopsWithTheFinalStatusLine) {
  expect_timeout(ask("HTTP/1.1 200 OK\r\n", {.first_byte = 40ms, .total = 120ms}), Phase::body, Limit::total,
                 true);
}

TEST(Clocks, TotalRunsOutInTheBody) {
  auto response = ask("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1", {.total = 40ms});
  expect_timeout(response, Phase::body, Limit::total, true);
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body.empty());
}

TEST(Clocks, TotalRunsOutBeforeTheFirstByte) {
  expect_timeout(ask("", {.total = 40ms}), Phase::first_byte, Limit::total, true);
}

TEST(Clocks, TheClientsOwnRunsOut) {
  auto response = ask("", {.client = 40ms});
  expect_timeout(response, Phase::first_byte, Limit::client, true);
  EXPECT_EQ(response.error->message, "no answer within 40 ms");
}

TEST(Clocks, ConnectRunsOutInTheHandshake) {
  expect_timeout(ask("", {.connect = 40ms}, "https"), Phase::connect, Limit::connect, false);
}

TEST(Clocks, TotalRunsOutWhileConnecting) {
  expect_timeout(ask("", {.total = 40ms}, "https"), Phase::connect, Limit::total, false);
}

// A stall of the whole process, by a long computation or a throttled container, is not the API's fault.
TEST(Clocks, AnAnswerThatCameInTimeIsInTimeHoweverLateItIsRead) {
  Latch go, answered;
  ScriptedApi api([&](Connection& connection) {
    connection.read_request();
    go.wait();
    connection.send(reply("1"));
    answered.set();
    connection.wait_for_end();
  });
  Loop loop;
  Session session(loop);
  auto origin = session.make_origin(api.url(), {});
  Response response;
  auto call = [&]() -> Task<> {
    Request request;
    SendOptions options;
    options.clocks.first_byte = 300ms;
    response = co_await session.send(*origin, request, options);
  };
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    group.spawn(call());
    co_await until(loop, [&] { return api.request_count() == 1; });
    go.set();
    EXPECT_TRUE(answered.wait());
    std::this_thread::sleep_for(350ms);
    co_await group.join();
  });
  EXPECT_FALSE(response.error) << response.error->message;
  EXPECT_EQ(response.body, "1");
}

TEST(Clocks, AreMeasuredInTheResponse) {
  ScriptedApi api([](Connection& connection) {
    connection.read_request();
    std::this_thread::sleep_for(30ms);
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
    std::this_thread::sleep_for(30ms);
    connection.send("1");
    connection.wait_for_end();
  });
  Loop loop;
  Session session(loop);
  run_test(loop, [&]() -> Task<> {
    auto answer = co_await session.get(api.url());
    EXPECT_TRUE(answer.ok());
    EXPECT_GE(answer.timings.first_byte, 29ms);
    EXPECT_GE(answer.timings.total, 59ms);
    EXPECT_GE(answer.timings.total, answer.timings.connect + answer.timings.first_byte);
  });
}

TEST(Clocks, SequentialRequestsTakeNoMillisecondSteps) {
  ScriptedApi api(ScriptedApi::answering([](const std::string&) { return reply("1"); }));
  Loop loop;
  Session session(loop);
  Duration best = 1h;
  run_test(loop, [&]() -> Task<> {
    for (int i = 0; i < 200; ++i) {
      Time begin = Clock::now();
      co_await session.get(api.url());
      best = std::min(best, Clock::now() - begin);
    }
  });
  EXPECT_LT(best, 1ms);  // libcurl's zero timeouts rounded up to a timer would cost at least one each
}

}  // namespace
}  // namespace linegate
