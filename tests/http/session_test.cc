// What a user of the library does with a Session.
#include "http/session.h"

#include <gtest/gtest.h>

#include <string>

#include "../support/run.h"
#include "../support/scripted_api.h"

namespace linegate {
namespace {

using Connection = ScriptedApi::Connection;

ScriptedApi::Script echo_line() {
  return ScriptedApi::answering(
      [](const std::string& request) { return reply('"' + request.substr(0, request.find('\r')) + '"'); });
}

TEST(Session, GetsWithParameters) {
  ScriptedApi api(echo_line());
  Loop loop;
  Session session(loop);
  run_test(loop, [&]() -> Task<> {
    std::string city = "São Paulo & co";
    Fields params{{"city", city}, {"units", "a-b_c.d~"}};
    auto answer = co_await session.get(api.url("/current?lang=en"), params);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.json_line(),
              "\"GET /current?lang=en&city=S%C3%A3o%20Paulo%20%26%20co&units=a-b_c.d~ HTTP/1.1\"\n");
  });
}

TEST(Session, PostsJsonAndForms) {
  ScriptedApi api(echo_line());
  Loop loop;
  Session session(loop);
  run_test(loop, [&]() -> Task<> {
    co_await session.post(api.url(), json_body(R"({"a":1})"));
    co_await session.post(api.url(), form_body({{"a b", "c&d"}}));
    co_await session.post(api.url(), text_body("hello"), {.headers = {{"Content-Type", "text/csv"}}});
  });
  auto requests = api.requests();
  EXPECT_NE(requests[0].find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_TRUE(requests[0].ends_with("\r\n\r\n{\"a\":1}"));
  EXPECT_TRUE(requests[1].ends_with("\r\n\r\na%20b=c%26d"));
  EXPECT_NE(requests[2].find("Content-Type: text/csv\r\n"), std::string::npos);
  EXPECT_EQ(requests[2].find("text/plain"), std::string::npos);
}

TEST(Session, SendsItsOwnHeadersUnlessTheCallHasThem) {
  ScriptedApi api(echo_line());
  Loop loop;
  SessionOptions options;
  options.headers = {{"User-Agent", "session"}, {"X-Key", "k"}};
  Session session(loop, options);
  run_test(loop, [&]() -> Task<> {
    co_await session.request("PUT", api.url(), {.headers = {{"user-agent", "call"}}});
  });
  std::string text = api.requests()[0];
  EXPECT_NE(text.find("user-agent: call\r\n"), text.npos);
  EXPECT_EQ(text.find("User-Agent: session"), text.npos);
  EXPECT_NE(text.find("X-Key: k\r\n"), text.npos);
}

TEST(Session, RefusesHeadersThatCannotBeSent) {
  Loop loop;
  SessionOptions options;
  options.headers = {{"X", "a\nb"}};
  EXPECT_THROW(Session(loop, options), std::invalid_argument);
}

TEST(Session, TurnsUserInfoIntoBasicAuthorization) {
  ScriptedApi api(echo_line());
  Loop loop;
  Session session(loop);
  run_test(loop, [&]() -> Task<> { co_await session.get("http://user:pw@" + api.url().substr(7)); });
  EXPECT_NE(api.requests()[0].find("Authorization: Basic dXNlcjpwdw==\r\n"), std::string::npos);
}

TEST(Session, AnswersABadUrlWithAnError) {
  Loop loop;
  Session session(loop);
  run_test(loop, [&]() -> Task<> {
    for (const char* url :
         {"", "nonsense", "ftp://x/", "http://", "http://h:0/", "http://h:99999/", "http://a b/"}) {
      auto answer = co_await session.get(url);
      EXPECT_TRUE(answer.error && answer.error->kind == ErrorKind::bad_request) << url;
      EXPECT_FALSE(answer.ok());
    }
  });
}

TEST(Session, BoundsACallByItsTimeout) {
  ScriptedApi api([](Connection& connection) { connection.wait_for_end(); });
  Loop loop;
  Session session(loop);
  run_test(loop, [&]() -> Task<> {
    auto answer = co_await session.get(api.url(), {}, {.timeout = 40ms});
    EXPECT_TRUE(answer.error && answer.error->kind == ErrorKind::timeout &&
                answer.error->limit == Limit::total);
    EXPECT_EQ(answer.json_line(),
              "{\"error\":{\"kind\":\"timeout\",\"message\":\"no answer within 40 ms\"}}\n");
  });
}

TEST(Session, HasSoManyTransfersAtOnceAndNoMore) {
  std::mutex mutex;
  int now = 0;
  int most = 0;
  ScriptedApi api([&](Connection& connection) {
    while (!connection.read_request().empty()) {
      {
        std::lock_guard lock(mutex);
        most = std::max(most, ++now);
      }
      std::this_thread::sleep_for(5ms);
      {
        std::lock_guard lock(mutex);
        --now;
      }
      connection.send(reply("1"));
    }
  });
  Loop loop;
  Session session(loop, {.max_transfers = 3});
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    auto one = [&]() -> Task<> {
      auto answer = co_await session.get(api.url());
      EXPECT_TRUE(answer.ok());
    };
    for (int i = 0; i < 12; ++i) group.spawn(one());
    co_await group.join();
  });
  EXPECT_EQ(most, 3);
  EXPECT_EQ(api.request_count(), 12u);
}

TEST(Session, CountsWaitingForAPlaceAsThePhaseQueue) {
  ScriptedApi api([](Connection& connection) { connection.wait_for_end(); });
  Loop loop;
  Session session(loop, {.max_transfers = 1});
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    auto hold = [&]() -> Task<> { co_await session.get(api.url()); };
    group.spawn(hold());
    co_await io_turn(loop);
    auto answer = co_await session.get(api.url(), {}, {.timeout = 40ms});
    EXPECT_TRUE(answer.error && answer.error->phase == Phase::queue && !answer.error->sent);
    EXPECT_TRUE(answer.error && answer.error->message == "no place free within 40 ms");
    group.cancel();
  });
}

TEST(Session, ServesManyCallsAtOnce) {
  ScriptedApi api(echo_line());
  Loop loop;
  Session session(loop, {.max_transfers = 0});
  int good = 0;
  run_test(loop, [&]() -> Task<> {
    TaskGroup group(loop);
    auto one = [&](int i) -> Task<> {
      std::string path = "/" + std::to_string(i);
      auto answer = co_await session.get(api.url(path));
      if (answer.body == "\"GET " + path + " HTTP/1.1\"") ++good;
    };
    for (int i = 0; i < 200; ++i) group.spawn(one(i));
    co_await group.join();
  });
  EXPECT_EQ(good, 200);
}

// ---- redirects

// /from redirects to `location`; anything else answers its request line.
ScriptedApi::Script redirecting(std::string location, std::string status = "302 Found") {
  return ScriptedApi::answering([=](const std::string& request) {
    if (request.find(" /from") != request.npos) {
      return reply("moved", status, location.empty() ? "" : "Location: " + location + "\r\n");
    }
    return reply('"' + request.substr(0, request.find('\r')) + '"');
  });
}

Response redirected(ScriptedApi& api, Redirects redirects, std::string method = "GET", Fields headers = {}) {
  Loop loop;
  Session session(loop);
  Response response;
  run_test(loop, [&]() -> Task<> {
    RequestOptions options;
    options.redirects = redirects;
    options.headers = headers;
    response = co_await session.request(method, api.url("/from"), options);
  });
  return response;
}

TEST(Redirect, IsNotFollowedByDefault) {
  ScriptedApi api(redirecting("/to"));
  auto response = redirected(api, {});
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(response.body, "moved");
  EXPECT_EQ(api.request_count(), 1u);
}

TEST(Redirect, IsFollowedOnTheSameHost) {
  ScriptedApi api(redirecting("/to?a=%20"));
  auto response = redirected(api, {.max = 1}, "GET", {{"X-Key", "k"}});
  EXPECT_EQ(response.body, "\"GET /to?a=%20 HTTP/1.1\"");
  EXPECT_NE(api.requests()[1].find("X-Key: k"), std::string::npos);
}

TEST(Redirect, IsFollowedSoManyTimesAndNoMore) {
  ScriptedApi api(redirecting("/from"));
  auto response = redirected(api, {.max = 3});
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(api.request_count(), 4u);
}

TEST(Redirect, OfAPostIsNotFollowed) {
  ScriptedApi api(redirecting("/to", "307 Temporary Redirect"));
  EXPECT_EQ(redirected(api, {.max = 5}, "POST").status, 307);
  EXPECT_EQ(api.request_count(), 1u);
}

TEST(Redirect, ToAnotherHostIsNotFollowedWhereOnlyTheSameIsAllowed) {
  ScriptedApi other(echo_line());
  ScriptedApi api(redirecting(other.url("/to")));
  EXPECT_EQ(redirected(api, {.max = 5}).status, 302);
  EXPECT_EQ(other.request_count(), 0u);
}

TEST(Redirect, ToAnotherHostCarriesNoSecrets) {
  ScriptedApi other(echo_line());
  ScriptedApi api(redirecting(other.url("/to")));
  auto response = redirected(api, {.max = 5, .same_host = false}, "GET",
                             {{"X-Api-Key", "s3cret"}, {"Authorization", "s3cret"}, {"Accept", "text/json"}});
  EXPECT_EQ(response.body, "\"GET /to HTTP/1.1\"");
  EXPECT_EQ(other.requests()[0].find("s3cret"), std::string::npos);
  EXPECT_NE(other.requests()[0].find("Accept: text/json"), std::string::npos);
}

TEST(Redirect, ToNonsenseIsNotFollowed) {
  for (const char* location : {"", "ftp://x/", "http://", "//"}) {
    ScriptedApi api(redirecting(location));
    EXPECT_EQ(redirected(api, {.max = 5, .same_host = false}).status, 302) << location;
  }
}

}  // namespace
}  // namespace linegate
