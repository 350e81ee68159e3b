// Response: what counts as JSON, and as which line it is told.
#include "http/response.h"

#include <gtest/gtest.h>

namespace linegate {
namespace {

Response response(std::string body, std::string type = "application/json", int status = 200) {
  Response made;
  made.status = status;
  made.body = std::move(body);
  if (!type.empty()) made.headers.append_line("Content-Type: " + type + "\r\n");
  return made;
}

TEST(Response, IsJsonByItsContentType) {
  for (const char* type : {"", "application/json", "Application/JSON; charset=utf-8", "text/json ;x",
                           "application/problem+json", "application/vnd.api+JSON;v=1"}) {
    EXPECT_TRUE(response("{}", type).has_json_type()) << type;
  }
  for (const char* type :
       {"text/html", "text/plain; x=+json", "application/jsonp", "+json", "application/x-json2", ";"}) {
    EXPECT_FALSE(response("{}", type).has_json_type()) << type;
  }
}

TEST(Response, GivesItsJson) {
  auto good = response(" {\"a\": [1, 3.50] }\n");
  EXPECT_EQ(good.json(), " {\"a\": [1, 3.50] }\n");
  EXPECT_FALSE(good.json_error());
  EXPECT_EQ(good.json_line(), "{\"a\":[1,3.50]}\n");
}

TEST(Response, GivesTheJsonOfAnErrorStatusToo) {
  EXPECT_EQ(response("{\"why\": 1}", "application/problem+json", 404).json_line(), "{\"why\":1}\n");
}

TEST(Response, IsNullWhenEmptyAndGood) {
  EXPECT_EQ(response("", "", 204).json_line(), "null\n");
  EXPECT_EQ(response("", "", 500).json(), std::nullopt);
}

TEST(Response, CutsAByteOrderMark) {
  EXPECT_EQ(response("\xef\xbb\xbf[1]").json(), "[1]");
}

TEST(Response, OfAnotherTypeIsNotJson) {
  auto html = response("{}", "text/html");
  EXPECT_FALSE(html.json());
  ASSERT_TRUE(html.json_error());
  EXPECT_EQ(html.json_error()->kind, ErrorKind::bad_payload);
  EXPECT_EQ(
      html.json_line(),
      "{\"error\":{\"kind\":\"bad_payload\",\"message\":\"the response is not JSON by its Content-Type\","
      "\"status\":200}}\n");
}

TEST(Response, OfBrokenJsonSaysWhere) {
  auto broken = response("{\"a\":1,}");
  EXPECT_FALSE(broken.json());
  ASSERT_TRUE(broken.json_error());
  EXPECT_NE(broken.json_error()->message.find("at byte 7"), std::string::npos)
      << broken.json_error()->message;
}

TEST(Response, ThatFailedTellsItsError) {
  HttpError error;
  error.kind = ErrorKind::dns;
  error.message = "the name \"x\" cannot be resolved";
  auto failed = Response::failed(error);
  EXPECT_FALSE(failed.ok());
  EXPECT_FALSE(failed.json());
  EXPECT_EQ(failed.json_line(),
            "{\"error\":{\"kind\":\"dns\",\"message\":\"the name \\\"x\\\" cannot be resolved\"}}\n");
}

TEST(Response, IsOkWith2xxOnly) {
  EXPECT_TRUE(response("", "", 200).ok());
  EXPECT_TRUE(response("", "", 299).ok());
  EXPECT_FALSE(response("", "", 304).ok());
  EXPECT_FALSE(response("", "", 0).ok());
}

TEST(Response, CopiesEverythingButTheCharge) {
  struct Purse final : BodyBudget {
    bool grow(std::size_t bytes) override { return spent += bytes, true; }
    void shrink(std::size_t bytes) override { spent -= bytes; }
    std::size_t spent = 0;
  } purse;
  auto first = response("[1", "application/json", 404);
  first.charge = Charge(&purse);
  ASSERT_TRUE(first.charge.grow(2));
  first.timings.total = 5ms;
  EXPECT_FALSE(first.json());
  Response copy = first.copy();
  EXPECT_EQ(copy.status, 404);
  EXPECT_EQ(copy.headers.raw(), first.headers.raw());
  EXPECT_EQ(copy.body, "[1");
  EXPECT_EQ(copy.timings.total, 5ms);
  EXPECT_EQ(copy.json_error()->message, first.json_error()->message);
  EXPECT_EQ(copy.charge.bytes(), 0u);
  first = Response();
  EXPECT_EQ(purse.spent, 0u);
}

}  // namespace
}  // namespace linegate
