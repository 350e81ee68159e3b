// What the log writes to stderr: levels, formats, the literal lines, before init_log() and after flush_log().
#include "daemon/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>

namespace linegate::daemon {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class LogTest : public testing::Test {
 protected:
  LogTest() { testing::internal::CaptureStderr(); }
  ~LogTest() override {
    init_log({});
    flush_log();
  }
  std::string written() {
    flush_log();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, ALineHasTimeLevelAndSentence) {
  init_log({});
  log_info("hello there");
  EXPECT_THAT(written(), MatchesRegex("[0-9-]+T[0-9:]+\\.[0-9]+Z info: hello there\n"));
}

TEST_F(LogTest, WorksBeforeItIsSetUp) {
  log_info("early");
  EXPECT_THAT(written(), HasSubstr("info: early\n"));
}

TEST_F(LogTest, WorksAfterItsLastFlush) {
  init_log({});
  flush_log();
  log_error("late");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("error: late\n"));
}

TEST_F(LogTest, KeepsTheOrder) {
  init_log({});
  for (int i = 0; i < 1'000; ++i) log_info("line " + std::to_string(i) + ";");
  std::string all = written();
  std::size_t at = 0;
  for (int i = 0; i < 1'000; ++i) {
    at = all.find("line " + std::to_string(i) + ";", at);
    ASSERT_NE(at, all.npos) << i;
  }
}

TEST_F(LogTest, LeavesOutWhatIsBelowItsLevel) {
  LogConfig config;
  config.level = LogLevel::warn;
  init_log(config);
  log_debug("one");
  log_info("two");
  log_warning("three");
  log_error("four");
  std::string all = written();
  EXPECT_THAT(all, Not(ContainsRegex("one|two")));
  EXPECT_THAT(all, HasSubstr("warning: three\n"));
  EXPECT_THAT(all, HasSubstr("error: four\n"));
}

TEST_F(LogTest, DebugShowsEverything) {
  LogConfig config;
  config.level = LogLevel::debug;
  init_log(config);
  log_debug("one");
  EXPECT_THAT(written(), HasSubstr("debug: one\n"));
}

TEST_F(LogTest, AsJsonALineIsOneObject) {
  LogConfig config;
  config.format = LogFormat::json;
  init_log(config);
  log_warning("say \"hi\"\nand {} %v");
  EXPECT_THAT(written(), MatchesRegex(R"(\{"time":"[0-9T:.-]+Z","level":"warning",)"
                                      R"("message":"say \\"hi\\"\\nand \{\} %v"\})"
                                      "\n"));
}

TEST_F(LogTest, ASentenceCannotPretendToBeTwo) {
  init_log({});
  log_info("first\n2025-01-01T00:00:00.000Z info: second\x1b[2J");
  std::string all = written();
  EXPECT_THAT(all, HasSubstr("info: first 2025-01-01T00:00:00.000Z info: second [2J\n"));
}

TEST_F(LogTest, BracesAreNotAFormat) {
  init_log({});
  log_info("{} {0} {city}");
  EXPECT_THAT(written(), HasSubstr("info: {} {0} {city}\n"));
}

TEST_F(LogTest, AnnouncementsAreLiteralAndImmediate) {
  LogConfig config;
  config.level = LogLevel::error;
  init_log(config);
  announce("listening on 127.0.0.1:41234");
  announce("ready");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "linegate: listening on 127.0.0.1:41234\nlinegate: ready\n");
}

TEST_F(LogTest, AnAnnouncementStandsBehindWhatWasLoggedBefore) {
  init_log({});
  log_warning("first");
  announce("second");
  std::string all = testing::internal::GetCapturedStderr();
  EXPECT_LT(all.find("first"), all.find("second"));
}

TEST_F(LogTest, AnExceptionIsASentence) {
  init_log({});
  log_exception(std::make_exception_ptr(std::runtime_error("broken")));
  log_exception(std::make_exception_ptr(7));
  std::string all = written();
  EXPECT_THAT(all, HasSubstr("error: bug: a task ended with an exception: broken\n"));
  EXPECT_THAT(all, HasSubstr("unknown exception\n"));
}

// stderr as a pipe that nobody reads.
class StuckStderr {
 public:
  StuckStderr() : saved_(::dup(STDERR_FILENO)) {
    EXPECT_EQ(::pipe(ends_), 0);
    ::dup2(ends_[1], STDERR_FILENO);
  }
  ~StuckStderr() {
    ::dup2(saved_, STDERR_FILENO);
    for (int fd : {saved_, ends_[0], ends_[1]}) ::close(fd);
  }

 private:
  int ends_[2];
  int saved_;
};

TEST(Log, AReaderThatDoesNotReadHoldsUpNeitherTheProgramNorItsEnd) {
  Time before = Clock::now();
  {
    StuckStderr stuck;
    init_log({});
    for (int i = 0; i < 20'000; ++i) log_info(std::string(100, 'x'));
    EXPECT_LT(Clock::now() - before, 20s);
    flush_log();
  }
  EXPECT_LT(Clock::now() - before, 25s);
}

TEST(LogDeathTest, NothingIsLostWhenTheProgramEndsByExit) {
  EXPECT_EXIT(
      {
        init_log({});
        log_info("last words");
        flush_log();
        _exit(0);
      },
      testing::ExitedWithCode(0), "info: last words");
}

TEST(LogDeathTest, NothingIsLostWhenTheProgramEndsByReturning) {
  EXPECT_EXIT(
      {
        init_log({});
        log_info("last words");
        std::exit(0);
      },
      testing::ExitedWithCode(0), "info: last words");
}

}  // namespace
}  // namespace linegate::daemon
