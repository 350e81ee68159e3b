// The command line as a value: what each flag sets, and that what is wrong is one sentence and exit code 2.
#include "daemon/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace linegate::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Command = CommandLine::Command;
using Words = std::vector<std::string>;

CommandLine parse(const Words& words) {
  return parse_command_line(words);
}

TEST(Cli, ServesAFile) {
  CommandLine line = parse({"serve", "-c", "my.toml"});
  EXPECT_EQ(line.command, Command::serve);
  EXPECT_EQ(line.file, "my.toml");
}

TEST(Cli, ServesFromFlags) {
  CommandLine line = parse({"serve", "--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--upstream",
                            "http://a/v1", "--route", "one=/a/{x}?y={z}", "--route", "two=/b"});
  EXPECT_EQ(line.command, Command::serve);
  EXPECT_THAT(line.flags.listen, ElementsAre("127.0.0.1:0", "[::1]:0"));
  EXPECT_EQ(line.flags.upstream, "http://a/v1");
  EXPECT_THAT(line.flags.routes, ElementsAre("one=/a/{x}?y={z}", "two=/b"));
  EXPECT_FALSE(line.flags.allow_unauthenticated);
}

TEST(Cli, AListMayFollowOneFlag) {
  CommandLine line = parse({"serve", "--listen", ":1", ":2", "--upstream", "http://a", "--route", "one=/a",
                            "two=/b", "--allow-unauthenticated"});
  EXPECT_THAT(line.flags.listen, ElementsAre(":1", ":2"));
  EXPECT_THAT(line.flags.routes, ElementsAre("one=/a", "two=/b"));
  EXPECT_TRUE(line.flags.allow_unauthenticated);
}

TEST(Cli, ChecksAFile) {
  CommandLine line = parse({"check", "my.toml"});
  EXPECT_EQ(line.command, Command::check);
  EXPECT_EQ(line.file, "my.toml");
}

TEST(Cli, CallsTheDefaultAddress) {
  CommandLine line = parse({"call", "weather", "oslo"});
  EXPECT_EQ(line.command, Command::call);
  EXPECT_EQ(line.call.to, "127.0.0.1:15555");
  EXPECT_EQ(line.call.timeout, 10s);
  EXPECT_EQ(line.file, "");
  EXPECT_THAT(line.call.words, ElementsAre("weather", "oslo"));
}

TEST(Cli, CallsWhereItIsTold) {
  EXPECT_EQ(parse({"call", "--to", "[::1]:4711", "ping"}).call.to, "[::1]:4711");
  EXPECT_EQ(parse({"call", "-c", "my.toml", "ping"}).file, "my.toml");
  EXPECT_EQ(parse({"call", "--timeout", "250ms", "ping"}).call.timeout, 250ms);
}

TEST(Cli, FromTheFirstWordOnNothingIsAFlag) {
  Words words = {"convert", "-5",     "--to",  "celsius", "-c",    "--help", "",
                 "a b",     "name=x", "@meta", "--",      "serve", "[1,2]"};
  Words arguments = {"call", "--timeout", "1s"};
  arguments.insert(arguments.end(), words.begin(), words.end());
  CommandLine line = parse(arguments);
  EXPECT_EQ(line.text, "");
  EXPECT_EQ(line.call.words, words);
  EXPECT_EQ(line.call.to, "127.0.0.1:15555");
}

TEST(Cli, CommandNamesAreWordsToo) {
  for (std::string name : {"serve", "check", "call", "demo"}) {
    CommandLine line = parse({"call", name, "x"});
    EXPECT_EQ(line.command, Command::call) << name;
    EXPECT_THAT(line.call.words, ElementsAre(name, "x"));
  }
}

TEST(Cli, JsonIsAWord) {
  EXPECT_THAT(parse({"call", "{\"id\":1}"}).call.words, ElementsAre("{\"id\":1}"));
  EXPECT_THAT(parse({"call", "[{\"id\":1},{\"id\":2}]"}).call.words, ElementsAre("[{\"id\":1},{\"id\":2}]"));
}

TEST(Cli, RunsTheDemo) {
  EXPECT_EQ(parse({"demo"}).command, Command::demo);
  EXPECT_THAT(parse({"demo", "--listen", ":0", "--listen", "unix:/s"}).demo.listen,
              ElementsAre(":0", "unix:/s"));
  EXPECT_TRUE(parse({"demo", "--print-config"}).demo.print_config);
  EXPECT_EQ(parse({"demo", "-c", "my.toml"}).demo.config_file, "my.toml");
}

TEST(Cli, VersionNamesTheLibraries) {
  CommandLine line = parse({"--version"});
  EXPECT_EQ(line.exit_code, 0);
  for (const char* name : {"linegate ", "libuv ", "libcurl ", "simdjson "})
    EXPECT_THAT(line.text, HasSubstr(name));
}

TEST(Cli, HelpIsAboutTheCommand) {
  EXPECT_THAT(parse({"--help"}).text, HasSubstr("Exit codes"));
  EXPECT_THAT(parse({"call", "--help"}).text, HasSubstr("4 no answer in time"));
  for (std::string name : {"serve", "check", "call", "demo"}) {
    EXPECT_THAT(parse({"--help"}).text, HasSubstr("  " + name + " "));
    EXPECT_EQ(parse({name, "--help"}).exit_code, 0);
    EXPECT_THAT(parse({name, "-h"}).text, HasSubstr("linegate " + name));
  }
}

class WrongCommandLine : public testing::TestWithParam<Words> {};

TEST_P(WrongCommandLine, IsOneSentenceAndExitCodeTwo) {
  CommandLine line = parse(GetParam());
  EXPECT_EQ(line.command, Command::none);
  EXPECT_EQ(line.exit_code, 2);
  EXPECT_TRUE(line.text.starts_with("linegate: ")) << line.text;
  EXPECT_EQ(std::count(line.text.begin(), line.text.end(), '\n'), 1) << line.text;
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongCommandLine,
    testing::Values(Words{}, Words{""}, Words{"nosuch"}, Words{"--nosuch"}, Words{"a\nb"}, Words{"serve"},
                    Words{"serve", "--nosuch"}, Words{"serve", "-c"}, Words{"serve", "--route", "a=/a"},
                    Words{"serve", "--upstream", "http://a"}, Words{"serve", "-c", "a", "--listen", ":0"},
                    Words{"serve", "-c", "a", "extra"}, Words{"check"}, Words{"check", "a", "b"},
                    Words{"call"}, Words{"call", "--"}, Words{"call", "--to"},
                    Words{"call", "--nosuch", "ping"}, Words{"call", "--to", ":1", "-c", "a", "ping"},
                    Words{"call", "--timeout", "5", "ping"}, Words{"call", "--timeout", "0s", "ping"},
                    Words{"demo", "extra"}, Words{"demo", "-c", "a", "--listen", ":0"},
                    Words{"demo", "-c", "a", "--print-config"}));

TEST(Cli, AMistypedCommandGetsASuggestion) {
  EXPECT_THAT(parse({"sevre"}).text, HasSubstr("did you mean \"serve\"?"));
}

}  // namespace
}  // namespace linegate::daemon
