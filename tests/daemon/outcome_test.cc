// What came back from an API, said in the protocol's terms: the error table of protocol.md section 5, row by
// row.
#include "daemon/outcome.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "daemon/router.h"

namespace linegate::daemon {
namespace {

constexpr std::string_view kConfig = R"(
schema = 1
[upstream.weather]
base_url = "http://127.0.0.1:1"
headers = { "X-Api-Key" = "${env:OUTCOME_TEST_KEY}" }
[route.weather]
upstream = "weather"
path = "/current"
reply_headers = ["Link"]
[route.page]
upstream = "weather"
path = "/page"
response = "text"
)";

struct OutcomeTest : testing::Test {
  OutcomeTest() {
    setenv("OUTCOME_TEST_KEY", "s3cr3t-key", 1);
    auto loaded = parse_config(kConfig, "test.toml");
    for (const auto& diagnostic : loaded.diagnostics) diagnostics += diagnostic.text() + "\n";
    if (loaded.config) router = std::make_unique<Router>(loaded.config);
  }
  void SetUp() override { ASSERT_TRUE(router) << diagnostics; }

  Answer answer(std::string_view route = "weather") {
    return to_answer(outcome, *router->find(route), router->config().secrets, want_meta);
  }
  Answer status(int code, std::string type, std::string body) {
    outcome.response->status = code;
    if (!type.empty()) outcome.response->headers.append_line("Content-Type: " + type + "\r\n");
    outcome.response->body = std::move(body);
    outcome.attempts = 1;
    return answer();
  }
  Answer failure(ErrorKind kind, bool sent) {
    HttpError error;
    error.kind = kind;
    error.message = "it failed";
    error.sent = sent;
    *outcome.response = Response::failed(error);
    outcome.attempts = 1;
    return answer();
  }

  bool want_meta = false;
  std::string diagnostics;
  std::unique_ptr<Router> router;
  Outcome outcome{.response = std::make_shared<Response>()};
};

TEST_F(OutcomeTest, AnswersTheJsonOfASuccess) {
  Answer reply = status(200, "application/json", R"({"temp": 3.50})");
  ASSERT_FALSE(reply.error);
  EXPECT_EQ(reply.json(), R"({"temp": 3.50})");
}

TEST_F(OutcomeTest, AnswersNullForAnEmptySuccess) {
  EXPECT_EQ(status(204, "", "").json(), "null");
}

TEST_F(OutcomeTest, RefusesASuccessThatIsNotJsonByType) {
  Answer reply = status(200, "text/html", "{}");
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->symbol, wire::Symbol::upstream_bad_payload);
}

TEST_F(OutcomeTest, RefusesASuccessThatIsNotJsonByBytes) {
  Answer reply = status(200, "application/json", R"({"temp": )");
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->symbol, wire::Symbol::upstream_bad_payload);
  EXPECT_NE(reply.error->members.find(R"("sent":true)"), std::string::npos);
}

TEST_F(OutcomeTest, AnswersTextRoutesWithAString) {
  outcome.response->status = 200;
  outcome.response->body = "two\nlines \xff";
  EXPECT_EQ(answer("page").json(), "\"two\\nlines \xEF\xBF\xBD\"");
}

TEST_F(OutcomeTest, NotFoundAndGoneAreNotFound) {
  EXPECT_EQ(status(404, "", "").error->symbol, wire::Symbol::upstream_not_found);
  EXPECT_EQ(status(410, "", "").error->symbol, wire::Symbol::upstream_not_found);
}

TEST_F(OutcomeTest, TooManyRequestsIsRateLimitedWithItsWait) {
  outcome.response->headers.append_line("Retry-After: 7\r\n");
  Answer reply = status(429, "", "");
  EXPECT_EQ(reply.error->symbol, wire::Symbol::rate_limited);
  EXPECT_NE(reply.error->members.find(R"("scope":"upstream","retry_after_ms":7000)"), std::string::npos);
}

TEST_F(OutcomeTest, OtherStatusesAreUpstreamErrors) {
  for (int code : {301, 400, 401, 500, 503})
    EXPECT_EQ(status(code, "", "").error->symbol, wire::Symbol::upstream_error);
}

TEST_F(OutcomeTest, ShowsAProblem) {
  Answer reply = status(500, "application/problem+json", R"({"title": "Broken"})");
  EXPECT_NE(reply.error->members.find(R"("problem":{"title":"Broken"})"), std::string::npos);
}

TEST_F(OutcomeTest, AMediaTypeHasNoCase) {
  Answer reply = status(500, "Application/Problem+JSON ; charset=utf-8", R"({"title":"Broken"})");
  EXPECT_NE(reply.error->members.find(R"("problem":{"title":"Broken"})"), std::string::npos);
}

TEST_F(OutcomeTest, AnErrorBodyMayBeginWithAByteOrderMark) {
  Answer reply = status(500, "application/json", "\xEF\xBB\xBF[1]");
  EXPECT_NE(reply.error->members.find(R"("body":[1])"), std::string::npos);
}

TEST_F(OutcomeTest, ShowsAJsonBody) {
  Answer reply = status(500, "application/json", R"(["x"])");
  EXPECT_NE(reply.error->members.find(R"("body":["x"])"), std::string::npos);
}

TEST_F(OutcomeTest, ShowsTheBeginningOfAnyOtherBody) {
  Answer reply = status(500, "text/plain", std::string(600, 'x') + "\xff");
  EXPECT_NE(reply.error->members.find("\"excerpt\":\"" + std::string(512, 'x') + "\""), std::string::npos);
}

TEST_F(OutcomeTest, CutsAJsonBodyThatIsTooLong) {
  Answer reply = status(500, "application/json", "\"" + std::string(kMaxErrorBody, 'x') + "\"");
  EXPECT_EQ(reply.error->members.find("\"body\""), std::string::npos);
  EXPECT_NE(reply.error->members.find("\"excerpt\""), std::string::npos);
}

TEST_F(OutcomeTest, MasksASecretThatTheApiEchoes) {
  Answer json = status(401, "application/json", R"({"bad key":"s3cr3t-key"})");
  EXPECT_EQ(json.error->members.find("s3cr3t"), std::string::npos);
  Answer text = status(401, "text/plain", "bad key s3cr3t-key");
  EXPECT_EQ(text.error->members.find("s3cr3t"), std::string::npos);
  EXPECT_NE(text.error->members.find("***"), std::string::npos);
}

TEST_F(OutcomeTest, NoConnectionIsUnavailableWithItsReason) {
  for (auto [kind, reason] : {std::pair{ErrorKind::dns, "dns"}, std::pair{ErrorKind::connect, "connect"},
                              std::pair{ErrorKind::tls, "tls"}, std::pair{ErrorKind::reset, "reset"}}) {
    Answer reply = failure(kind, false);
    EXPECT_EQ(reply.error->symbol, wire::Symbol::unavailable);
    EXPECT_NE(reply.error->members.find(std::string("\"reason\":\"") + reason + "\""), std::string::npos);
    EXPECT_NE(reply.error->members.find("\"sent\":false"), std::string::npos);
  }
}

TEST_F(OutcomeTest, ATimeoutTellsPhaseAndLimit) {
  HttpError error;
  error.kind = ErrorKind::timeout;
  error.phase = Phase::first_byte;
  error.limit = Limit::client;
  error.limit_value = 50ms;
  error.sent = true;
  *outcome.response = Response::failed(error);
  outcome.attempts = 1;
  Answer reply = answer();
  EXPECT_EQ(reply.error->message, "no answer within 50 ms");
  EXPECT_EQ(reply.error->members,
            R"(,"upstream":"weather","phase":"first_byte","limit":"client","sent":true,"attempts":1)");
}

TEST_F(OutcomeTest, AFullQueueAndAFullMemoryAreOverloaded) {
  EXPECT_NE(failure(ErrorKind::overloaded, false).error->members.find("\"reason\":\"queue\""),
            std::string::npos);
  EXPECT_NE(failure(ErrorKind::memory, true).error->members.find("\"reason\":\"memory\""), std::string::npos);
}

TEST_F(OutcomeTest, TooMuchBodyIsABadPayload) {
  EXPECT_EQ(failure(ErrorKind::too_large, true).error->symbol, wire::Symbol::upstream_bad_payload);
}

TEST_F(OutcomeTest, WritesNoMetaThatNobodyWants) {
  EXPECT_EQ(status(200, "", "1").meta, "");
}

TEST_F(OutcomeTest, MetaTellsWhatHappened) {
  want_meta = true;
  outcome.queue = 1500us;
  outcome.upstream = 212400us;
  outcome.response->timings.connect = 200us;
  outcome.response->timings.first_byte = 210ms;
  outcome.response->headers.append_line("Link: <n>; rel=\"next\"\r\n");
  EXPECT_EQ(
      status(200, "", "1").meta,
      R"({"cache":"off","attempts":1,"status":200,"upstream_ms":212.4,"queue_ms":1.5,"connect_ms":0.2,"first_byte_ms":210.0,"headers":{"Link":"<n>; rel=\"next\""}})");
}

TEST_F(OutcomeTest, MetaShowsAllFieldsOfOneNameAsOneList) {
  want_meta = true;
  outcome.response->headers.append_line("Link: <a>\r\nlink: <b>\r\n");
  EXPECT_NE(status(200, "", "1").meta.find(R"("headers":{"Link":"<a>, <b>"})"), std::string::npos);
}

}  // namespace
}  // namespace linegate::daemon
