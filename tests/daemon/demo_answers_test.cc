// What the demo's API answers, endpoint by endpoint.
#include "daemon/demo_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "json/validate.h"

namespace linegate::daemon {
namespace {

using testing::HasSubstr;

class DemoAnswersTest : public testing::Test {
 protected:
  DemoAnswer get(std::string path, std::map<std::string, std::string, std::less<>> query = {}) {
    return api.answer({"GET", std::move(path), std::move(query), ""});
  }
  DemoAnswer post(std::string path, std::string body) {
    return api.answer({"POST", std::move(path), {}, std::move(body)});
  }
  DemoAnswers api{"http://127.0.0.1:8080"};
};

TEST_F(DemoAnswersTest, WeatherIsByteForByteAsThePagesShowIt) {
  DemoAnswer answer = get("/weather/oslo");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.type, "application/json");
  EXPECT_EQ(answer.body, R"({"city":"Oslo","temp_c":3.50})");
  EXPECT_EQ(get("/weather/São Paulo", {{"units", "imperial"}}).body, R"({"city":"São Paulo","temp_f":71.2})");
}

TEST_F(DemoAnswersTest, CitiesAreFoundInAnyCaseAndWithoutAccents) {
  EXPECT_EQ(get("/weather/NEW york").body, R"({"city":"New York","temp_c":12.40})");
  EXPECT_EQ(get("/weather/sao paulo").body, get("/weather/São Paulo").body);
}

TEST_F(DemoAnswersTest, AnUnknownCityIsAProblem) {
  DemoAnswer answer = get("/weather/atl\"antis");
  EXPECT_EQ(answer.status, 404u);
  EXPECT_EQ(answer.type, "application/problem+json");
  EXPECT_EQ(answer.body, R"({"type":"about:blank","title":"Not Found","status":404,)"
                         R"("detail":"no weather for \"atl\"antis\""})");
}

TEST_F(DemoAnswersTest, SlowSaysHowLong) {
  DemoAnswer answer = get("/slow", {{"ms", "250"}});
  EXPECT_EQ(answer.delay, 250ms);
  EXPECT_EQ(answer.body, R"({"waited_ms":250})");
  EXPECT_EQ(get("/slow").delay, 1500ms);
  EXPECT_EQ(get("/weather/oslo").delay, 0ms);
}

TEST_F(DemoAnswersTest, NumbersOutOfRangeAreRefused) {
  for (const char* ms : {"-1", "60001", "x", "", "1.5", "99999999999999999999", "1 "}) {
    EXPECT_EQ(get("/slow", {{"ms", ms}}).status, 400u) << ms;
  }
  EXPECT_EQ(get("/large", {{"kib", "0"}}).status, 400u);
  EXPECT_EQ(get("/large", {{"kib", "8193"}}).status, 400u);
  EXPECT_EQ(get("/paged", {{"page", "6"}}).status, 400u);
}

TEST_F(DemoAnswersTest, FailingFails) {
  EXPECT_EQ(get("/failing").status, 500u);
  EXPECT_EQ(get("/failing").type, "application/problem+json");
}

TEST_F(DemoAnswersTest, EverySecondCallOfFlakyFails) {
  EXPECT_EQ(get("/flaky").status, 200u);
  EXPECT_EQ(get("/flaky").status, 503u);
  EXPECT_EQ(get("/flaky").body, R"({"call":3})");
  EXPECT_EQ(get("/flaky").status, 503u);
}

TEST_F(DemoAnswersTest, LargeIsValidJsonOfAboutTheSizeAsked) {
  for (auto [kib, size] : {std::pair{"1", 1024u}, {"64", 65'536u}, {"8192", 8'388'608u}}) {
    std::string body = get("/large", {{"kib", kib}}).body;
    EXPECT_GE(body.size(), size);
    EXPECT_LT(body.size(), size + 200);
    EXPECT_FALSE(json::validate(body, 2));
    EXPECT_THAT(body.substr(0, 40), HasSubstr("\n"));  // so that it has to be minified
  }
}

TEST_F(DemoAnswersTest, PagesAreLinked) {
  EXPECT_EQ(
      get("/paged").body,
      R"({"page":1,"pages":5,"items":[{"id":1,"name":"item 1"},{"id":2,"name":"item 2"},{"id":3,"name":"item 3"}]})");
  using Headers = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(get("/paged").headers, (Headers{{"Link", "<http://127.0.0.1:8080/paged?page=2>; rel=\"next\""}}));
  EXPECT_EQ(get("/paged", {{"page", "2"}}).headers,
            (Headers{{"Link",
                      "<http://127.0.0.1:8080/paged?page=1>; rel=\"prev\", "
                      "<http://127.0.0.1:8080/paged?page=3>; rel=\"next\""}}));
  EXPECT_EQ(get("/paged", {{"page", "5"}}).headers,
            (Headers{{"Link", "<http://127.0.0.1:8080/paged?page=4>; rel=\"prev\""}}));
}

TEST_F(DemoAnswersTest, AnOrderComesBackWithAnId) {
  DemoAnswer answer = post("/orders", "{ \"item\": \"book\", \"quantity\": 2 }\n");
  EXPECT_EQ(answer.status, 201u);
  EXPECT_EQ(answer.body, R"({"id":1,"order":{"item":"book","quantity":2}})");
  EXPECT_EQ(answer.headers.at(0).second, "http://127.0.0.1:8080/orders/1");
  EXPECT_THAT(post("/orders", "{}").body, HasSubstr("\"id\":2"));
}

TEST_F(DemoAnswersTest, AnOrderThatIsNoneGetsNoId) {
  EXPECT_EQ(post("/orders", "{bad").status, 400u);
  EXPECT_EQ(post("/orders", "").status, 400u);
  EXPECT_EQ(post("/orders", "\"" + std::string(DemoAnswers::kMaxBody, 'x') + "\"").status, 413u);
  EXPECT_THAT(post("/orders", "{}").body, HasSubstr("\"id\":1,"));
}

TEST_F(DemoAnswersTest, OtherPathsAreNotFound) {
  for (const char* path : {"/", "", "/weather", "/weather/", "/slow/", "/orders/1"}) {
    EXPECT_EQ(get(path).status, 404u) << path;
  }
}

TEST_F(DemoAnswersTest, OtherMethodsAreNotAllowed) {
  DemoAnswer answer = post("/slow", "");
  EXPECT_EQ(answer.status, 405u);
  EXPECT_EQ(answer.headers.at(0).second, "GET");
  EXPECT_EQ(get("/orders").headers.at(0).second, "POST");
  EXPECT_EQ(api.answer({"HEAD", "/failing", {}, ""}).status, 500u);
}

}  // namespace
}  // namespace linegate::daemon
