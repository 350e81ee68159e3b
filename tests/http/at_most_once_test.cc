// libcurl repeats any request by itself when a kept connection dies; we must not let it.
#include <gtest/gtest.h>

#include <string>

#include "../support/run.h"
#include "../support/scripted_api.h"
#include "http/session.h"

namespace linegate {
namespace {

using Connection = ScriptedApi::Connection;

struct Case {
  const char* method;
  const char* body;
  bool reset;
};

class AtMostOnce : public testing::TestWithParam<Case> {};

// The first connection answers one request and dies on its second, unanswered.
ScriptedApi::Script dying(bool reset) {
  return [reset](Connection& connection) {
    connection.read_request();
    connection.send(reply("1"));
    if (connection.read_request().empty()) return;
    if (connection.number > 0) {
      connection.send(reply("2"));
      connection.wait_for_end();
    } else if (reset) {
      connection.reset();
    } else {
      connection.finish();
    }
  };
}

TEST_P(AtMostOnce, OnAKeptConnectionThatDies) {
  ScriptedApi api(dying(GetParam().reset));
  Loop loop;
  Session session(loop);
  auto origin = session.make_origin(api.url(), {});
  run_test(loop, [&]() -> Task<> {
    Request warm_up;
    auto first = co_await session.send(*origin, warm_up, {});
    EXPECT_TRUE(first.ok());
    Request request;
    request.method = GetParam().method;
    request.body = GetParam().body;
    auto second = co_await session.send(*origin, request, {});
    EXPECT_TRUE(second.error);
    if (!second.error) co_return;
    EXPECT_EQ(second.error->kind, ErrorKind::reset);
    EXPECT_TRUE(second.error->stale_connection);
    EXPECT_TRUE(second.error->sent);
  });
  EXPECT_EQ(api.request_count(), 2u);
}

INSTANTIATE_TEST_SUITE_P(All, AtMostOnce,
                         testing::Values(Case{"GET", "", false}, Case{"GET", "", true},
                                         Case{"HEAD", "", false}, Case{"DELETE", "", false},
                                         Case{"DELETE", "", true}, Case{"POST", "", false},
                                         Case{"POST", "", true}, Case{"POST", "{}", false},
                                         Case{"POST", "{}", true}, Case{"PUT", "{}", false},
                                         Case{"PATCH", "{}", true}));

TEST(AtMostOnce, SessionReplaysAGetOnce) {
  ScriptedApi api([](Connection& connection) {
    if (connection.number > 0) {
      connection.read_request();
      connection.send(reply("\"fresh\""));
      connection.wait_for_end();
      return;
    }
    dying(false)(connection);
  });
  Loop loop;
  Session session(loop);
  run_test(loop, [&]() -> Task<> {
    co_await session.get(api.url());
    auto second = co_await session.get(api.url());
    EXPECT_EQ(second.body, "\"fresh\"");
  });
  EXPECT_EQ(api.request_count(), 3u);
}

TEST(AtMostOnce, SessionDoesNotReplayAPost) {
  ScriptedApi api(dying(false));
  Loop loop;
  Session session(loop);
  run_test(loop, [&]() -> Task<> {
    co_await session.get(api.url());
    auto second = co_await session.post(api.url(), json_body("{}"));
    EXPECT_TRUE(second.error && second.error->sent);
  });
  EXPECT_EQ(api.request_count(), 2u);
}

TEST(AtMostOnce, AFreshConnectionThatDiesIsNoStaleOne) {
  ScriptedApi api([](Connection& connection) {
    connection.read_request();
    connection.finish();
  });
  Loop loop;
  Session session(loop);
  run_test(loop, [&]() -> Task<> {
    auto answer = co_await session.get(api.url());
    EXPECT_TRUE(answer.error);
    if (!answer.error) co_return;
    EXPECT_EQ(answer.error->kind, ErrorKind::reset);
    EXPECT_FALSE(answer.error->stale_connection);
    EXPECT_TRUE(answer.error->sent);
  });
  EXPECT_EQ(api.request_count(), 1u);
}

}  // namespace
}  // namespace linegate
