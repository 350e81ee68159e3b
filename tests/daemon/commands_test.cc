// The commands' exit codes and output where no server is needed.
#include "daemon/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace linegate::daemon {
namespace {

using testing::HasSubstr;

constexpr char kConfig[] = R"(schema = 1
[server]
listen = ["127.0.0.1:1"]
[upstream.api]
base_url = "https://api.example/v1/"
[route.weather]
upstream = "api"
path = "/current/{city}"
query = { units = "{units}" }
params = [{ name = "city", required = true }, { name = "units", default = "metric" }]
[route.order]
upstream = "api"
method = "POST"
path = "/orders"
)";

class CommandsTest : public testing::Test {
 protected:
  CommandsTest() : file(testing::TempDir() + "linegate-" + own_name() + ".toml") {
    std::remove(file.c_str());
  }
  ~CommandsTest() override { std::remove(file.c_str()); }

  // Tests run at the same time, in processes of their own.
  static std::string own_name() {
    return testing::UnitTest::GetInstance()->current_test_info()->name() + std::to_string(getpid());
  }
  void write(const std::string& text) { std::ofstream(file) << text; }
  int run(const std::vector<std::string>& arguments) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    int code = daemon::run(parse_command_line(arguments));
    out = testing::internal::GetCapturedStdout();
    err = testing::internal::GetCapturedStderr();
    return code;
  }

  std::string file, out, err;
};

TEST_F(CommandsTest, CheckPrintsTheRoutes) {
  write(kConfig);
  EXPECT_EQ(run({"check", file}), 0);
  EXPECT_EQ(out,
            "weather <city> [units]  GET https://api.example/v1/current/{city}\n"
            "order                   POST https://api.example/v1/orders\n" +
                file + " is valid: 2 routes, 1 upstream, listening on 127.0.0.1:1\n");
  EXPECT_EQ(err, "");
}

TEST_F(CommandsTest, CheckPrintsMistakesWithTheirPlace) {
  write("schema = 1\n[server]\nlisten = 5\n");
  EXPECT_EQ(run({"check", file}), 1);
  EXPECT_THAT(err, HasSubstr(file + ":3:"));
  EXPECT_EQ(out, "");
}

TEST_F(CommandsTest, AMissingFileIsNamed) {
  EXPECT_EQ(run({"check", file}), 1);
  EXPECT_THAT(err, HasSubstr(file));
  EXPECT_EQ(run({"serve", "-c", file}), 1);
  EXPECT_THAT(err, HasSubstr(file));
  EXPECT_EQ(run({"demo", "-c", file}), 1);
  EXPECT_THAT(err, HasSubstr(file));
  EXPECT_EQ(run({"call", "-c", file, "ping"}), 2);
  EXPECT_THAT(err, HasSubstr(file));
}

TEST_F(CommandsTest, FlagsThatMakeNoConfigAreWrongUsage) {
  EXPECT_EQ(run({"serve", "--upstream", "gopher://a", "--route", "a=/a"}), 2);
  EXPECT_EQ(run({"serve", "--upstream", "http://a", "--route", "a"}), 2);
  EXPECT_EQ(run({"serve", "--upstream", "http://a", "--route", "a=/a", "--listen", "nowhere"}), 2);
  EXPECT_NE(err, "");
}

TEST_F(CommandsTest, CallTakesTheFirstListenerOfTheConfig) {
  write("schema = 1\n[server]\nlisten = [\"unix:" + file + ".socket\", \"127.0.0.1:0\"]\n");
  EXPECT_EQ(run({"call", "-c", file, "ping"}), 3);
  EXPECT_THAT(err, HasSubstr("cannot connect to unix:" + file + ".socket"));
}

TEST_F(CommandsTest, HelpGoesToStdoutAndErrorsToStderr) {
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_NE(out, "");
  EXPECT_EQ(err, "");
  EXPECT_EQ(run({"nosuch"}), 2);
  EXPECT_EQ(out, "");
  EXPECT_NE(err, "");
}

}  // namespace
}  // namespace linegate::daemon
