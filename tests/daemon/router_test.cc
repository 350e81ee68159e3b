#include "daemon/router.h"

#include <gtest/gtest.h>

#include "daemon/config_text.h"
#include "daemon/explain.h"
#include "json/scan.h"
#include "json/validate.h"

namespace linegate::daemon {
namespace {

constexpr const char* kWeather = R"(
[upstream.weather]
base_url = "https://api.example/v1"
headers = { "X-Api-Key" = "k ${env:LINEGATE_TEST_KEY}" }
query = { key = "${env:LINEGATE_TEST_KEY}" }
[route.weather]
help = "Current weather for a city"
upstream = "weather"
path = "/current/{city}"
query = { units = "{units}" }
params = [
  { name = "city", required = true, max_length = 64 },
  { name = "units", enum = ["metric", "imperial"], default = "metric", help = "of temperature" },
]
[route.search]
upstream = "weather"
method = "POST"
path = "/search"
response = "text"
json = { q = "{q}", limit = "{limit}", key = "${env:LINEGATE_TEST_KEY}" }
params = [{ name = "limit", type = "int", min = 1, max = 50, default = 10 }, { name = "q", required = true }]
)";

const Router& weather() {
  setenv("LINEGATE_TEST_KEY", "s3cret", 1);
  static const Router router(config_of(kWeather));
  return router;
}

Upstream::Prospect prospect(const OutboundRequest&) {
  return {"{}", "{}", "{}", R"({"waiting":0})"};
}

std::string explained(const wire::Call& call) {
  auto result = explain(weather(), call, prospect);
  if (auto* error = std::get_if<wire::Error>(&result)) return error->message;
  return std::get<std::string>(result);
}

std::string helped(const std::vector<wire::Argument>& arguments) {
  auto result = weather().help(text_call("help", arguments));
  if (auto* error = std::get_if<wire::Error>(&result)) return error->message;
  return std::get<std::string>(result);
}

TEST(Router, FindsRoutesByName) {
  EXPECT_EQ(weather().find("weather")->name(), "weather");
  EXPECT_EQ(weather().find("Weather"), nullptr);
  EXPECT_EQ(weather().find("weath"), nullptr);
}

TEST(Router, BindsACallToItsRoute) {
  auto result = weather().bind(text_call("weather", {{"", "oslo"}}));
  auto& bound = std::get<BoundCall>(result);
  EXPECT_EQ(bound.route->name(), "weather");
  EXPECT_EQ(bound.values.at(0).text, "oslo");
  EXPECT_EQ(bound.values.at(1).text, "metric");
}

TEST(Router, SuggestsForAnUnknownMethod) {
  EXPECT_EQ(
      refused(weather(), text_call("wether")),
      "unknown_method \"wether\" is not a route; did you mean \"weather\"? ,\"did_you_mean\":[\"weather\"]");
  EXPECT_EQ(refused(weather(), text_call("xyzzy")), "unknown_method \"xyzzy\" is not a route ");
}

TEST(Router, SuggestsBuiltInsOfTheDialect) {
  EXPECT_EQ(refused(weather(), text_call("pinf")),
            "unknown_method \"pinf\" is not a route; did you mean \"ping\"? ,\"did_you_mean\":[\"ping\"]");
  EXPECT_EQ(refused(weather(), jsonrpc_call("rpc.pinf")),
            "unknown_method \"rpc.pinf\" is not a route; did you mean \"rpc.ping\"? "
            ",\"did_you_mean\":[\"rpc.ping\"]");
  EXPECT_EQ(refused(weather(), jsonrpc_call("stats")),
            "unknown_method \"stats\" is not a route; did you mean \"rpc.stats\"? "
            ",\"did_you_mean\":[\"rpc.stats\"]");
  EXPECT_EQ(
      refused(weather(), text_call("rpc.stats")),
      "unknown_method \"rpc.stats\" is not a route; did you mean \"stats\"? ,\"did_you_mean\":[\"stats\"]");
}

TEST(Router, DoesNotSuggestTheWordItself) {
  EXPECT_EQ(refused(weather(), text_call("ping")), "unknown_method \"ping\" is built in, not a route ");
  EXPECT_EQ(refused(weather(), jsonrpc_call("rpc.ping")),
            "unknown_method \"rpc.ping\" is built in, not a route ");
}

TEST(Router, CutsReflectedInputAt64BytesBetweenCodePoints) {
  std::string shown = std::string(63, 'x');
  EXPECT_EQ(refused(weather(), text_call(shown + "\xc3\xb8" + "tail")),
            "unknown_method \"" + shown + "\" is not a route ");
}

TEST(Router, KnowsReservedWordsInTextOnly) {
  for (const char* word : {"auth", "watch", "unwatch"}) {
    EXPECT_EQ(refused(weather(), text_call(word)), "unknown_method reserved ");
    EXPECT_TRUE(is_reserved_word(word));
  }
  EXPECT_EQ(refused(weather(), jsonrpc_call("auth")), "unknown_method \"auth\" is not a route ");
}

TEST(Router, KnowsBuiltInWords) {
  for (const char* word :
       {"ping", "hello", "help", "routes", "explain", "stats", "quit", "auth", "watch", "unwatch"}) {
    EXPECT_TRUE(is_builtin_word(word)) << word;
  }
  EXPECT_FALSE(is_builtin_word("weather"));
}

TEST(Help, ListsRoutesAndBuiltIns) {
  EXPECT_EQ(helped({}), R"(["weather <city> [units] - Current weather for a city","search [limit] <q>",)"
                        R"("built in: ping, hello, help [route], routes, explain <route> ..., stats, quit",)"
                        R"("options: @id=TOKEN @timeout=DURATION @fresh @meta @raw"])");
}

TEST(Help, TellsOfOneRoute) {
  EXPECT_EQ(
      helped({{"", "weather"}}),
      R"(["weather <city> [units]","Current weather for a city","  city: string, required, at most 64 characters",)"
      R"("  units: string, \"metric\" or \"imperial\", default \"metric\"; of temperature"])");
  EXPECT_EQ(helped({{"", "search"}}),
            R"(["search [limit] <q>","  limit: int, at least 1, at most 50, default 10",)"
            R"("  q: string, required, at most 1024 characters"])");
}

TEST(Help, RefusesWhatIsNoRoute) {
  EXPECT_EQ(helped({{"", "wether"}}), "\"wether\" is not a route; did you mean \"weather\"?");
  EXPECT_EQ(helped({{"", "weather"}, {"", "search"}}), "help takes one route at most; usage: help [route]");
  EXPECT_EQ(helped({{"", "ping"}}), R"(["ping is built in; help lists what there is"])");
}

TEST(Routes, ListsWhatCanBeAskedFor) {
  EXPECT_EQ(weather().routes_json(),
            R"([{"name":"weather","help":"Current weather for a city","params":[)"
            R"({"name":"city","type":"string","required":true,"max_length":64},)"
            R"({"name":"units","type":"string","required":false,"default":"metric","help":"of temperature",)"
            R"("enum":["metric","imperial"],"max_length":1024}],"idempotent":true},)"
            R"({"name":"search","help":"","params":[)"
            R"({"name":"limit","type":"int","required":false,"default":10,"min":1,"max":50},)"
            R"({"name":"q","type":"string","required":true,"max_length":1024}],"idempotent":false}])");
}

TEST(Discover, IsAnOpenRpcDocument) {
  EXPECT_EQ(
      weather().discover_json(),
      R"({"openrpc":"1.2.6","info":{"title":"linegate","version":")" LINEGATE_VERSION R"("},"methods":[)"
      R"({"name":"weather","summary":"Current weather for a city","paramStructure":"either","params":[)"
      R"({"name":"city","required":true,"schema":{"type":"string","maxLength":64}},)"
      R"({"name":"units","description":"of temperature","required":false,)"
      R"("schema":{"type":"string","enum":["metric","imperial"],"maxLength":1024,"default":"metric"}}],)"
      R"("result":{"name":"result","schema":{}}},)"
      R"({"name":"search","paramStructure":"by-name","params":[)"
      R"({"name":"q","required":true,"schema":{"type":"string","maxLength":1024}},)"
      R"({"name":"limit","required":false,"schema":{"type":"integer","minimum":1,"maximum":50,"default":10}}],)"
      R"("result":{"name":"result","schema":{"type":"string"}}}]})");
}

TEST(Discover, IsValidWithoutRoutes) {
  Router empty(config_of("schema = 1"));
  EXPECT_EQ(json::find(empty.discover_json(), "methods"), "[]");
  EXPECT_EQ(empty.routes_json(), "[]");
}

TEST(Explain, ShowsWhatWouldBeSentWithSecretsMasked) {
  EXPECT_EQ(
      explained(text_call("explain", {{"", "weather"}, {"", "oslo"}})),
      R"({"route":"weather","method":"GET","url":"https://api.example/v1/current/oslo?key=***&units=metric",)"
      R"("headers":{"X-Api-Key":"k ***"},"body":null,"cache":{},"breaker":{},"gate":{},"queue":{"waiting":0}})");
  EXPECT_EQ(
      explained(text_call("explain", {{"", "search"}, {"q", "x"}})),
      R"({"route":"search","method":"POST","url":"https://api.example/v1/search?key=***",)"
      R"("headers":{"X-Api-Key":"k ***","Content-Type":"application/json"},)"
      R"("body":{"q":"x","limit":10,"key":"***"},"cache":{},"breaker":{},"gate":{},"queue":{"waiting":0}})");
}

TEST(Explain, TakesBothJsonRpcForms) {
  std::string wanted = explained(text_call("explain", {{"", "weather"}, {"", "oslo"}}));
  EXPECT_EQ(explained(jsonrpc_call("rpc.explain", {{"", "\"weather\""}, {"", "\"oslo\""}})), wanted);
  EXPECT_EQ(
      explained(jsonrpc_call("rpc.explain", {{"route", "\"weather\""}, {"params", R"({"city":"oslo"})"}})),
      wanted);
  EXPECT_EQ(explained(jsonrpc_call("rpc.explain", {{"params", R"(["oslo"])"}, {"route", "\"weather\""}})),
            wanted);
}

TEST(Explain, AnswersTheErrorThatTheCallWouldHave) {
  EXPECT_EQ(explained(text_call("explain", {{"", "weather"}})),
            "missing parameter \"city\"; usage: weather <city> [units]");
  EXPECT_EQ(explained(text_call("explain", {{"", "wether"}})),
            "\"wether\" is not a route; did you mean \"weather\"?");
  EXPECT_EQ(explained(text_call("explain")), "missing parameter \"route\"; usage: explain <route> ...");
}

TEST(Explain, RefusesOtherJsonRpcParams) {
  EXPECT_EQ(explained(jsonrpc_call("rpc.explain", {{"", "5"}})), "parameter \"route\" must be a string");
  EXPECT_EQ(explained(jsonrpc_call("rpc.explain", {{"params", "{}"}})), "missing parameter \"route\"");
  EXPECT_EQ(explained(jsonrpc_call("rpc.explain", {{"route", "\"weather\""}, {"params", "5"}})),
            "parameter \"params\" must be an object or an array");
  EXPECT_EQ(explained(jsonrpc_call("rpc.explain", {{"route", "\"weather\""}, {"city", "\"oslo\""}})),
            "rpc.explain takes \"route\" and \"params\", each once");
  EXPECT_EQ(explained(jsonrpc_call("rpc.explain", {{"route", "\"weather\""}, {"params", R"({"":"oslo"})"}})),
            "a parameter's name is empty");
}

}  // namespace
}  // namespace linegate::daemon
