// Bodies: caps, encodings, and everything that an API can do wrong with them.
#include <gtest/gtest.h>

#include <string>

#include "../support/run.h"
#include "../support/scripted_api.h"
#include "http/session.h"

namespace linegate {
namespace {

using Connection = ScriptedApi::Connection;

// {"city":"Oslo"}, nothing, and 100,000 times '0'.
constexpr unsigned char kGzippedCity[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
                                          0x03, 0xab, 0x56, 0x4a, 0xce, 0x2c, 0xa9, 0x54, 0xb2,
                                          0x52, 0xf2, 0x2f, 0xce, 0xc9, 0x57, 0xaa, 0x05, 0x00,
                                          0x6e, 0xcc, 0x3d, 0x7a, 0x0f, 0x00, 0x00, 0x00};
constexpr unsigned char kGzippedNothing[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                             0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
constexpr unsigned char kGzippedZeros[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x31, 0x01, 0x00, 0x00, 0x00,
    0xc2, 0xa0, 0x4a, 0xeb, 0x9f, 0xce, 0x1a, 0x1e, 0x40, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0xaf, 0x06, 0x85, 0xc2, 0x4d, 0xc5, 0xa0, 0x86, 0x01, 0x00};

template <std::size_t N>
std::string bytes_of(const unsigned char (&bytes)[N]) {
  return {reinterpret_cast<const char*>(bytes), N};
}

// The answer to one GET of what `send` does after the request has arrived.
Response answer_to(std::function<void(Connection&)> send, SendOptions options = {},
                   std::string method = "GET") {
  ScriptedApi api([&](Connection& connection) {
    connection.read_request();
    send(connection);
  });
  Loop loop;
  Session session(loop);
  auto origin = session.make_origin(api.url(), {});
  Response response;
  run_test(loop, [&]() -> Task<> {
    Request request;
    request.method = method;
    response = co_await session.send(*origin, request, options);
  });
  return response;
}

Response answer_of(const std::string& bytes, SendOptions options = {}) {
  return answer_to([&](Connection& connection) { connection.send(bytes); }, options);
}

void expect_error(const Response& response, ErrorKind kind) {
  ASSERT_TRUE(response.error);
  EXPECT_EQ(response.error->kind, kind) << name(response.error->kind) << ": " << response.error->message;
  EXPECT_TRUE(response.error->sent);
  EXPECT_TRUE(response.body.empty());
  EXPECT_FALSE(response.ok());
}

TEST(Body, ArrivesByteForByte) {
  std::string body("\0\r\n\xff{}", 6);
  auto response = answer_of(reply(body));
  EXPECT_TRUE(response.ok());
  EXPECT_EQ(response.body, body);
}

TEST(Body, OfChunksIsPutTogether) {
  auto response = answer_of(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: "
      "1\r\n\r\n");
  EXPECT_TRUE(response.ok());
  EXPECT_EQ(response.body, "abcde");
  EXPECT_FALSE(response.headers.get("Trailer"));
}

TEST(Body, MayEndWithTheConnectionIfNoLengthWasAnnounced) {
  auto response = answer_of("HTTP/1.0 200 OK\r\n\r\nabc");
  EXPECT_TRUE(response.ok());
  EXPECT_EQ(response.body, "abc");
}

TEST(Body, OfAHeadIsEmptyWhateverItsLength) {
  auto response = answer_to(
      [](Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        connection.wait_for_end();
      },
      {}, "HEAD");
  EXPECT_TRUE(response.ok());
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.headers.get("content-length"), "1000");
}

TEST(Body, ShorterThanAnnouncedIsAnError) {
  expect_error(answer_of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[1,2]"), ErrorKind::reset);
}

TEST(Body, WithoutItsLastChunkIsAnError) {
  expect_error(answer_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n"),
               ErrorKind::reset);
}

TEST(Body, CutWithinAChunkIsAnError) {
  expect_error(answer_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n[1]"), ErrorKind::reset);
}

TEST(Body, WithAChunkSizeThatIsNoneIsAnError) {
  expect_error(answer_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n[1]\r\n0\r\n\r\n"),
               ErrorKind::reset);
}

TEST(Body, CutByAResetIsAnErrorAndKeepsTheStatus) {
  auto response = answer_to([](Connection& connection) {
    connection.send("HTTP/1.1 203 OK\r\nContent-Length: 10\r\n\r\n[1,2]");
    connection.reset();
  });
  expect_error(response, ErrorKind::reset);
}

TEST(Body, OfExactlyTheLimitIsTaken) {
  SendOptions options;
  options.max_body = 1000;
  auto response = answer_of(reply(std::string(1000, 'x')), options);
  EXPECT_TRUE(response.ok());
  EXPECT_EQ(response.body.size(), 1000u);
}

TEST(Body, OfAByteMoreThanTheLimitIsRefused) {
  SendOptions options;
  options.max_body = 1000;
  expect_error(answer_of(reply(std::string(1001, 'x')), options), ErrorKind::too_large);
}

TEST(Body, ThatIsZippedArrivesDecoded) {
  auto response = answer_of(reply(bytes_of(kGzippedCity), "200 OK", "Content-Encoding: gzip\r\n"));
  EXPECT_TRUE(response.ok());
  EXPECT_EQ(response.body, R"({"city":"Oslo"})");
}

TEST(Body, IsCountedDecoded) {
  SendOptions options;
  options.max_body = 99'999;
  auto bomb = reply(bytes_of(kGzippedZeros), "200 OK", "Content-Encoding: gzip\r\n");
  expect_error(answer_of(bomb, options), ErrorKind::too_large);
  options.max_body = 100'000;
  EXPECT_TRUE(answer_of(bomb, options).ok());
}

TEST(Body, ThatDoesNotDecodeIsAnError) {
  expect_error(answer_of(reply("this is no gzip", "200 OK", "Content-Encoding: gzip\r\n")),
               ErrorKind::bad_payload);
}

TEST(Body, OfAZippedStreamThatIsCutDoesNotPassForAnEmptyOne) {
  expect_error(answer_of(reply(bytes_of(kGzippedCity).substr(0, 11), "200 OK", "Content-Encoding: gzip\r\n")),
               ErrorKind::bad_payload);
  EXPECT_TRUE(answer_of(reply(bytes_of(kGzippedNothing), "200 OK", "Content-Encoding: gzip\r\n")).ok());
  EXPECT_TRUE(answer_of(reply("", "200 OK", "Content-Encoding: gzip\r\n")).ok());
}

TEST(Body, OfAnUnknownEncodingIsAnError) {
  expect_error(answer_of(reply("???", "200 OK", "Content-Encoding: rot13\r\n")), ErrorKind::bad_payload);
}

TEST(Body, ThatIsNotHttpIsAnError) {
  expect_error(answer_of("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), ErrorKind::bad_payload);
}

TEST(Body, BehindEndlessHeadersIsAnError) {
  auto response = answer_to([](Connection& connection) {
    connection.send("HTTP/1.1 200 OK\r\n");
    while (connection.send("X-More: " + std::string(8000, 'x') + "\r\n")) {
    }
  });
  expect_error(response, ErrorKind::bad_payload);
}

TEST(Body, OfAClosedConnectionIsAnError) {
  expect_error(answer_to([](Connection& connection) { connection.finish(); }), ErrorKind::reset);
  expect_error(answer_to([](Connection& connection) { connection.reset(); }), ErrorKind::reset);
  expect_error(answer_of("HTTP/1.1 200 O"), ErrorKind::reset);
}

class Budget final : public BodyBudget {
 public:
  explicit Budget(std::size_t limit) : limit_(limit) {}
  bool grow(std::size_t bytes) override {
    if (used + bytes > limit_) return false;
    used += bytes;
    most = std::max(most, used);
    return true;
  }
  void shrink(std::size_t bytes) override { used -= bytes; }
  std::size_t used = 0;
  std::size_t most = 0;

 private:
  std::size_t limit_;
};

TEST(BodyBudget, IsChargedAsLongAsTheResponseLives) {
  Budget budget(5000);
  SendOptions options;
  options.budget = &budget;
  {
    auto response = answer_of(reply(std::string(5000, 'x')), options);
    EXPECT_TRUE(response.ok());
    EXPECT_EQ(budget.used, 5000u);
  }
  EXPECT_EQ(budget.used, 0u);
}

TEST(BodyBudget, ThatIsSpentEndsTheTransfer) {
  Budget budget(4999);
  SendOptions options;
  options.budget = &budget;
  auto response = answer_of(reply(std::string(5000, 'x')), options);
  expect_error(response, ErrorKind::memory);
  EXPECT_EQ(budget.used, 0u);
}

TEST(BodyBudget, IsGivenBackWhenTheBodyIsCut) {
  Budget budget(5000);
  SendOptions options;
  options.budget = &budget;
  auto response = answer_of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[1,2]", options);
  EXPECT_EQ(budget.most, 5u);
  EXPECT_EQ(budget.used, 0u);
}

}  // namespace
}  // namespace linegate
