#include "daemon/route.h"

#include <gtest/gtest.h>

#include "daemon/config_text.h"

namespace linegate::daemon {
namespace {

constexpr const char* kTwo = "\nparams = [{ name = \"x\" }, { name = \"n\", type = \"int\" }]";

Router router_of(const std::string& keys) {
  return Router(config_of(with_route(keys)));
}

// Headers as "name: value" joined by " | ", masked.
std::string headers(const OutboundRequest& request) {
  std::string out;
  auto add = [&](const Header& header) {
    out += (out.empty() ? "" : " | ") + header.name + ": " + header.value.masked();
  };
  for (const Header& header : request.route->fixed_headers()) add(header);
  for (const Header& header : request.headers) add(header);
  return out;
}

TEST(Route, BuildsTheWholeUrl) {
  Router router = router_of(R"(path = "/current/{city}"
query = { units = "{units}", lang = "en" }
params = [{ name = "city", required = true }, { name = "units", default = "metric" }])");
  OutboundRequest request = sent(router, text_call("r", {{"", "S\xc3\xa3o Paulo"}}));
  EXPECT_EQ(request.url.bytes, "https://api.example/v1/current/S%C3%A3o%20Paulo?units=metric&lang=en");
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.body.bytes, "");
}

TEST(Route, LeavesTheKeyOfAParameterThatIsNotGivenOut) {
  Router router =
      router_of(std::string("path = \"/p\"\nquery = { x = \"{x}\", n = \"v{n}\", k = \"1\" }") + kTwo);
  EXPECT_EQ(sent(router, text_call("r")).url.bytes, "https://api.example/v1/p?k=1");
  EXPECT_EQ(sent(router, text_call("r", {{"n", "7"}})).url.bytes, "https://api.example/v1/p?n=v7&k=1");
  EXPECT_EQ(sent(router, text_call("r", {{"x", ""}})).url.bytes, "https://api.example/v1/p?x=&k=1");
}

TEST(Route, HasNoQuestionMarkWithoutAQuery) {
  Router router = router_of(std::string("path = \"/p\"\nquery = { x = \"{x}{n}\" }") + kTwo);
  EXPECT_EQ(sent(router, text_call("r")).url.bytes, "https://api.example/v1/p");
}

TEST(Route, PutsTheUpstreamsQueryFirstAndItsOwnOverIt) {
  Router router(config_of(R"([upstream.api]
base_url = "http://h"
query = { key = "1", lang = "en" }
[route.r]
upstream = "api"
path = "/"
query = { lang = "no", "a b" = 10, on = true })"));
  EXPECT_EQ(sent(router, text_call("r")).url.bytes, "http://h/?key=1&lang=no&a%20b=10&on=true");
}

TEST(Route, SendsTheUpstreamsHeadersWithItsOwnOverThem) {
  Router router(config_of(R"([upstream.api]
base_url = "http://h"
headers = { "X-A" = "1", "X-B" = "2", "User-Agent" = "linegate" }
[route.r]
upstream = "api"
path = "/"
headers = { "x-a" = "3", "X-B" = "", "X-C" = "c{x}" }
params = [{ name = "x" }])"));
  EXPECT_EQ(headers(sent(router, text_call("r"))), "x-a: 3 | User-Agent: linegate");
  EXPECT_EQ(headers(sent(router, text_call("r", {{"", "4"}}))), "x-a: 3 | User-Agent: linegate | X-C: c4");
}

TEST(Route, LeavesAHeaderOutThatBecomesEmpty) {
  Router router = router_of("path = \"/\"\nheaders = { X = \"{x}\" }\nparams = [{ name = \"x\" }]");
  EXPECT_EQ(headers(sent(router, text_call("r", {{"", ""}}))), "");
}

TEST(Route, RefusesALineBreakInAHeader) {
  Router router = router_of("path = \"/\"\nheaders = { X = \"{x}\" }\nparams = [{ name = \"x\" }]");
  EXPECT_EQ(refused(router, text_call("r", {{"", "a\r\nb"}})),
            "invalid_params parameter \"x\" must not have CR, LF or NUL ,\"param\":\"x\"");
}

TEST(Route, SendsUserInfoAsAnAuthorizationHeaderAndNotInTheUrl) {
  setenv("LINEGATE_TEST_PASSWORD", "p@ss/w:rd", 1);
  Router router(config_of(R"([upstream.api]
base_url = "https://us%65r:${env:LINEGATE_TEST_PASSWORD}@h:8443/v1/"
[route.r]
upstream = "api"
path = "/x")"));
  OutboundRequest request = sent(router, text_call("r"));
  EXPECT_EQ(request.url.bytes, "https://h:8443/v1/x");
  EXPECT_EQ(request.route->fixed_headers().at(0).value.bytes, "Basic " + base64("user:p@ss/w:rd"));
  EXPECT_EQ(headers(request), "Authorization: Basic ***");
}

// The body that POST route `r` with these body keys sends for x and n.
std::string body(const std::string& keys, const std::vector<wire::Argument>& arguments) {
  Router router = router_of("method = \"POST\"\npath = \"/\"\n" + keys + kTwo);
  return sent(router, text_call("r", arguments)).body.bytes;
}

TEST(JsonBody, GivesAWholeParameterItsType) {
  EXPECT_EQ(body("json = { x = \"{x}\", n = \"{n}\" }", {{"", "a\"b"}, {"", "7"}}), R"({"x":"a\"b","n":7})");
}

TEST(JsonBody, TakesAParameterInLongerTextAsText) {
  EXPECT_EQ(body("json = { t = \"{x}-{n}\" }", {{"", "a\"b"}, {"", "7"}}), R"({"t":"a\"b-7"})");
}

TEST(JsonBody, LeavesMembersAndElementsOutThatAreNotGiven) {
  EXPECT_EQ(body("json = { a = \"{x}\", l = [\"{x}\", \"{n}\", 1], o = { n = \"n{n}\" }, z = 1 }", {}),
            R"({"l":[1],"o":{},"z":1})");
  EXPECT_EQ(
      body("json = { a = \"{x}\", l = [\"{x}\", \"{n}\", 1], o = { n = \"n{n}\" }, z = 1 }", {{"n", "5"}}),
      R"({"l":[5,1],"o":{"n":"n5"},"z":1})");
}

TEST(JsonBody, KeepsLiteralTypesAndFileOrder) {
  EXPECT_EQ(
      body("json = { z = 1, a = true, m = 1.5, s = \"{{}}\\n\", l = [], o = {}, x = \"{x}\", n = \"{n}\" }",
           {}),
      R"({"z":1,"a":true,"m":1.5,"s":"{}\n","l":[],"o":{}})");
}

TEST(JsonBody, PassesNumbersOnByteForByte) {
  Router router = router_of(R"(method = "POST"
path = "/"
json = { x = "{x}" }
params = [{ name = "x", type = "number" }])");
  EXPECT_EQ(sent(router, jsonrpc_call("r", {{"x", "3.50"}})).body.bytes, R"({"x":3.50})");
  EXPECT_EQ(sent(router, text_call("r", {{"x", "1E+400"}})).body.bytes, R"({"x":1E+400})");
}

TEST(JsonBody, HasItsContentTypeUnlessTheConfigHasOne) {
  std::string json = "method = \"POST\"\npath = \"/\"\njson = {}\n";
  EXPECT_EQ(headers(sent(router_of(json), text_call("r"))), "Content-Type: application/json");
  Router own = router_of(json + "headers = { content-type = \"application/vnd.x+json\" }");
  EXPECT_EQ(headers(sent(own, text_call("r"))), "content-type: application/vnd.x+json");
}

TEST(JsonBody, MasksItsSecrets) {
  setenv("LINEGATE_TEST_SECRET", "s3\"cret", 1);
  Router router =
      router_of("method = \"POST\"\npath = \"/\"\njson = { k = \"${env:LINEGATE_TEST_SECRET}\", v = 1 }");
  OutboundRequest request = sent(router, text_call("r"));
  EXPECT_EQ(request.body.bytes, R"({"k":"s3\"cret","v":1})");
  EXPECT_EQ(request.body.masked(), R"({"k":"***","v":1})");
}

TEST(FormBody, IsEncodedAndTyped) {
  EXPECT_EQ(body("form = { q = \"{x}\", n = \"{n}\", f = \"a&b\" }", {{"", "x y&z"}}), "q=x%20y%26z&f=a%26b");
  Router router = router_of("method = \"POST\"\npath = \"/\"\nform = { a = \"b\" }");
  EXPECT_EQ(headers(sent(router, text_call("r"))), "Content-Type: application/x-www-form-urlencoded");
}

TEST(Route, IsIdempotentAsItsMethodOrAsItSays) {
  auto idempotent = [](const std::string& keys) {
    return router_of("path = \"/\"\n" + keys).find("r")->idempotent();
  };
  EXPECT_TRUE(idempotent(""));
  EXPECT_TRUE(idempotent("method = \"PUT\""));
  EXPECT_TRUE(idempotent("method = \"DELETE\""));
  EXPECT_FALSE(idempotent("method = \"POST\""));
  EXPECT_FALSE(idempotent("method = \"PATCH\""));
  EXPECT_TRUE(idempotent("method = \"POST\"\nidempotent = true"));
  EXPECT_FALSE(idempotent("method = \"DELETE\"\nidempotent = false"));
}

}  // namespace
}  // namespace linegate::daemon
