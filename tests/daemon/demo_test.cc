// The demo's config, and what it tells the user to type.
#include "daemon/demo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/config.h"

namespace linegate::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

LoadedConfig load(const std::vector<std::string>& listen) {
  return parse_config(demo_config("http://127.0.0.1:8080", listen), "demo");
}

TEST(DemoConfig, IsValidAndWithoutWarnings) {
  LoadedConfig loaded = load({});
  ASSERT_TRUE(loaded.config);
  EXPECT_TRUE(loaded.diagnostics.empty()) << loaded.diagnostics[0].text();
  EXPECT_EQ(loaded.config->server.listen.at(0).text, "127.0.0.1:15555");
  EXPECT_FALSE(loaded.config->server.allow_unauthenticated);
}

TEST(DemoConfig, HasARouteForEachEndpoint) {
  std::vector<std::string> names;
  auto config = load({}).config;
  for (const auto& route : config->routes) names.push_back(route.name);
  EXPECT_THAT(
      names, testing::UnorderedElementsAre("weather", "slow", "failing", "flaky", "large", "paged", "order"));
}

TEST(DemoConfig, ListensWhereItIsTold) {
  auto config = load({"127.0.0.1:0", "unix:/tmp/a \"b\"\\c"}).config;
  ASSERT_TRUE(config);
  ASSERT_EQ(config->server.listen.size(), 2u);
  EXPECT_EQ(config->server.listen[1].path, "/tmp/a \"b\"\\c");
}

TEST(DemoConfig, MayBeOpenedToTheNetwork) {
  for (const char* address : {":15555", "0.0.0.0:15555", "[::]:1"}) {
    auto config = load({address}).config;
    ASSERT_TRUE(config) << address;
    EXPECT_TRUE(config->server.allow_unauthenticated) << address;
  }
}

TEST(DemoConfig, RefusesAnAddressThatIsNone) {
  EXPECT_FALSE(load({"nonsense:port"}).config);
}

TEST(DemoHints, NameTheAddressUnlessItIsTheDefault) {
  EXPECT_THAT(demo_hints("127.0.0.1:15555"), HasSubstr("  linegate call weather oslo\n"));
  EXPECT_THAT(demo_hints("127.0.0.1:15555"), HasSubstr("  nc 127.0.0.1 15555\n"));
  EXPECT_THAT(demo_hints("127.0.0.1:4711"), HasSubstr("  linegate call --to 127.0.0.1:4711 weather oslo\n"));
  EXPECT_THAT(demo_hints("0.0.0.0:4711"), HasSubstr("  nc 127.0.0.1 4711\n"));
  EXPECT_THAT(demo_hints("[::]:15555"), HasSubstr("  linegate call weather oslo\n"));
  EXPECT_THAT(demo_hints("unix:/tmp/s"), HasSubstr("  linegate call --to unix:/tmp/s weather oslo\n"));
  EXPECT_THAT(demo_hints("unix:/tmp/s"), Not(HasSubstr("nc ")));
}

TEST(Demo, PrintsItsConfigOnRequest) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(demo({{}, "", true}), 0);
  std::string text = testing::internal::GetCapturedStdout();
  EXPECT_TRUE(parse_config(text, "printed").config);
  for (const char* hole : {"@LISTEN@", "@OPEN@", "@URL@"}) EXPECT_THAT(text, Not(HasSubstr(hole)));
}

}  // namespace
}  // namespace linegate::daemon
