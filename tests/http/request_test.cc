// What goes out: request lines, header fields and bodies as a server sees them.
#include <gtest/gtest.h>

#include <string>

#include "../support/run.h"
#include "../support/scripted_api.h"
#include "http/session.h"

namespace linegate {
namespace {

// Sends the requests one after another, on one connection; returns what arrived.
std::vector<std::string> seen(const std::vector<Request>& requests, OriginOptions options = {}) {
  ScriptedApi api(ScriptedApi::answering([](const std::string& request) {
    return request.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" : reply("1");
  }));
  Loop loop;
  Session session(loop);
  auto origin = session.make_origin(api.url(), options);
  run_test(loop, [&]() -> Task<> {
    for (const Request& request : requests) {
      auto answer = co_await session.send(*origin, request, {});
      EXPECT_TRUE(answer.ok()) << (answer.error ? answer.error->message : "");
    }
  });
  EXPECT_EQ(api.connection_count(), 1);
  return api.requests();
}

std::string seen(Request request, OriginOptions options = {}) {
  auto all = seen(std::vector<Request>{std::move(request)}, std::move(options));
  return all.empty() ? "" : all.front();
}

Request with(std::string method, std::string body = "", Fields headers = {}) {
  Request request;
  request.method = std::move(method);
  request.body = std::move(body);
  request.headers = std::move(headers);
  return request;
}

TEST(Request, SendsNothingThatNobodyAskedFor) {
  OriginOptions options;
  options.gzip = false;
  std::string text = seen(with("GET"), options);
  std::size_t host = text.find("Host: 127.0.0.1:");
  ASSERT_NE(host, text.npos);
  text.erase(host, text.find("\r\n", host) + 2 - host);
  EXPECT_EQ(text, "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n");
}

TEST(Request, AsksForGzipWhereConfigured) {
  EXPECT_NE(seen(with("GET")).find("Accept-Encoding: gzip\r\n"), std::string::npos);
}

TEST(Request, SaysOnceWhichEncodingsItWants) {
  HeaderList fixed(Fields{{"accept-encoding", "identity"}});
  Request prebuilt = with("GET");
  prebuilt.fixed = &fixed;
  auto all = seen({prebuilt, with("GET", "", {{"Accept-Encoding", "br"}}), with("POST", "{}")});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].find("gzip"), std::string::npos);
  EXPECT_EQ(all[1].find("gzip"), std::string::npos);
  EXPECT_NE(all[2].find("Accept-Encoding: gzip\r\n"), std::string::npos);
}

TEST(Request, ChangesItsShapeFromOneToTheNext) {
  auto all = seen(std::vector<Request>{with("GET"), with("POST", "{}"), with("HEAD"), with("GET"),
                                       with("DELETE"), with("PUT", "12"), with("POST"), with("OPTIONS"),
                                       with("PATCH", "x"), with("GET")});
  std::vector<std::string> methods;
  std::vector<std::string> bodies;
  for (const auto& text : all) {
    methods.push_back(text.substr(0, text.find(' ')));
    bodies.push_back(text.substr(text.find("\r\n\r\n") + 4));
  }
  EXPECT_EQ(methods, (std::vector<std::string>{"GET", "POST", "HEAD", "GET", "DELETE", "PUT", "POST",
                                               "OPTIONS", "PATCH", "GET"}));
  EXPECT_EQ(bodies, (std::vector<std::string>{"", "{}", "", "", "", "12", "", "", "x", ""}));
}

TEST(Request, WithoutABodySaysSoWhereOneIsExpected) {
  EXPECT_NE(seen(with("POST")).find("Content-Length: 0\r\n"), std::string::npos);
  EXPECT_EQ(seen(with("DELETE")).find("Content-Length"), std::string::npos);
}

TEST(Request, GetMayHaveABody) {
  std::string text = seen(with("GET", R"({"q":1})"));
  EXPECT_TRUE(text.starts_with("GET / "));
  EXPECT_TRUE(text.ends_with("\r\n\r\n{\"q\":1}"));
}

TEST(Request, HasNoContentTypeButAGivenOne) {
  EXPECT_EQ(seen(with("POST", "{}")).find("Content-Type"), std::string::npos);
  std::string text = seen(with("POST", "{}", {{"Content-Type", "application/json"}}));
  EXPECT_NE(text.find("Content-Type: application/json\r\n"), std::string::npos);
}

TEST(Request, DoesNotExpect100Continue) {
  std::string text = seen(with("POST", std::string(3 << 20, 'x')));
  EXPECT_EQ(text.substr(0, 2000).find("Expect"), std::string::npos);
  EXPECT_GT(text.size(), std::size_t{3} << 20);
}

TEST(Request, SendsItsTargetAsItIs) {
  Request request;
  request.target = "/v1/x/%2e%2e/a%2Fb/../c;d?q=%c3%A9&&x=a+b?";
  EXPECT_TRUE(seen(request).starts_with("GET /v1/x/%2e%2e/a%2Fb/../c;d?q=%c3%A9&&x=a+b? HTTP/1.1\r\n"));
}

TEST(Request, SendsFixedAndOwnFieldsEvenEmptyOnes) {
  HeaderList fixed({{"X-Api-Key", "s3cret"}, {"User-Agent", "linegate"}, {"X-Empty", ""}});
  Request request = with("GET", "", {{"X-Own", "1"}, {"X-Own-Empty", ""}, {"Accept", "application/json"}});
  request.fixed = &fixed;
  std::string text = seen(request);
  for (const char* field : {"X-Api-Key: s3cret\r\n", "User-Agent: linegate\r\n", "X-Empty:\r\n",
                            "X-Own: 1\r\n", "X-Own-Empty:\r\n", "Accept: application/json\r\n"}) {
    EXPECT_NE(text.find(field), text.npos) << field << " in " << text;
  }
  EXPECT_EQ(text.find("*/*"), text.npos);
}

TEST(Request, DoesNotRememberFieldsOfTheOneBefore) {
  auto all = seen(std::vector<Request>{with("GET", "", {{"X-Own", "1"}}), with("GET")});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].find("X-Own"), std::string::npos);
}

TEST(Request, ThatCannotBeSentIsRefused) {
  ScriptedApi api(ScriptedApi::answering([](const std::string&) { return reply("1"); }));
  Loop loop;
  Session session(loop);
  auto origin = session.make_origin(api.url(), {});
  std::vector<Request> bad = {with("GE T"), with(""), with("GET", "", {{"X-Bad", "a\r\nX-More: b"}}),
                              with("GET", "", {{"Content-Length", "5"}}), with("GET", "", {{"a b", "c"}})};
  for (const char* target : {"", "x", "/a b", "/\x7f", "/\xc3\xa9", "/a\r\nX: y"}) {
    bad.emplace_back().target = target;
  }
  run_test(loop, [&]() -> Task<> {
    for (const Request& request : bad) {
      auto answer = co_await session.send(*origin, request, {});
      EXPECT_TRUE(answer.error && answer.error->kind == ErrorKind::bad_request && !answer.error->sent);
    }
  });
  EXPECT_EQ(api.connection_count(), 0);
}

TEST(Request, GoesThroughAProxyWithItsWholeUrl) {
  ScriptedApi proxy(ScriptedApi::answering([](const std::string&) { return reply("\"proxied\""); }));
  Loop loop;
  Session session(loop);
  OriginOptions options;
  options.proxy = "http://user:pw@" + proxy.url().substr(7);
  auto origin = session.make_origin("http://api.test:8080", options);
  run_test(loop, [&]() -> Task<> {
    Request request;
    request.target = "/x?y=1";
    for (int i = 0; i < 2; ++i) {
      auto answer = co_await session.send(*origin, request, {});
      EXPECT_EQ(answer.body, "\"proxied\"") << (answer.error ? answer.error->message : "");
    }
  });
  ASSERT_EQ(proxy.request_count(), 2u);
  std::string text = proxy.requests()[0];
  EXPECT_TRUE(text.starts_with("GET http://api.test:8080/x?y=1 HTTP/1.1\r\nHost: api.test:8080\r\n")) << text;
  EXPECT_NE(text.find("Proxy-Authorization: Basic dXNlcjpwdw=="), text.npos);
  EXPECT_EQ(proxy.connection_count(), 1);
}

TEST(Request, ToHttpsTunnelsThroughAProxyThatMayRefuse) {
  ScriptedApi proxy(ScriptedApi::answering(
      [](const std::string&) { return "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"; }));
  Loop loop;
  Session session(loop);
  OriginOptions options;
  options.proxy = proxy.url();
  auto origin = session.make_origin("https://api.test", options);
  HeaderList fixed(Fields{{"X-Api-Key", "s3cret"}});
  run_test(loop, [&]() -> Task<> {
    Request request;
    request.fixed = &fixed;
    auto answer = co_await session.send(*origin, request, {});
    EXPECT_TRUE(answer.error && answer.error->kind == ErrorKind::connect && !answer.error->sent);
  });
  ASSERT_GE(proxy.request_count(), 1u);
  EXPECT_TRUE(proxy.requests()[0].starts_with("CONNECT api.test:443 HTTP/1.1\r\n"));
  EXPECT_EQ(proxy.requests()[0].find("s3cret"), std::string::npos);
}

TEST(Origin, RefusesAProxyThatIsNone) {
  Loop loop;
  Session session(loop);
  for (const char* proxy : {"ftp://x", "http://", "http://h:99999"}) {
    OriginOptions options;
    options.proxy = proxy;
    EXPECT_THROW(session.make_origin("http://api.test", options), std::invalid_argument) << proxy;
  }
  EXPECT_THROW(session.make_origin("ftp://api.test", {}), std::invalid_argument);
}

}  // namespace
}  // namespace linegate
