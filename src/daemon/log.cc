// The only file that knows spdlog. Lines are written by one worker thread; when its queue is full the oldest
// go.
#include "daemon/log.h"

#include <poll.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "json/quote.h"

namespace linegate::daemon {
namespace {

constexpr std::size_t kSlots = 8'192;
constexpr std::size_t kPiece = 4'096;  // a pipe that poll() calls writable takes this much at once (PIPE_BUF)
constexpr auto kPatience = std::chrono::seconds(1);  // at the end, for a reader that does not read
constexpr int kLookUp = 50;                          // ms between looks at whether that is over

constexpr char kText[] = "%Y-%m-%dT%H:%M:%S.%eZ %l: %v";
constexpr char kJson[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%v})";

// stderr, unbuffered. A reader that does not read holds up the worker, but not the end of the program.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::atomic<std::size_t> written = 0;  // records, those given up included
  std::atomic<bool> give_up = false;

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    write_line({line.data(), line.size()});
    ++written;
  }
  void flush_() override {}

  void write_line(std::string_view line) {
    while (!line.empty() && wait_for_room()) {
      ssize_t n = ::write(STDERR_FILENO, line.data(), std::min(line.size(), kPiece));
      if (n > 0) line.remove_prefix(static_cast<std::size_t>(n));
      if (n < 0 && errno != EINTR && errno != EAGAIN) return;  // nobody will ever read it
    }
  }

  bool wait_for_room() {
    pollfd room{STDERR_FILENO, POLLOUT, 0};
    while (::poll(&room, 1, give_up ? 0 : kLookUp) <= 0) {
      if (give_up) return false;
    }
    return true;
  }
};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

class Log {
 public:
  Log() { write_directly(); }
  ~Log() { flush(); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  static Log& the() {
    static Log log;
    return log;
  }

  void init(const LogConfig& config) {
    flush();
    json_ = config.format == LogFormat::json;
    level_ = to_spdlog(config.level);
    sink_ = make_sink();
    queued_ = 0;
    worker_ = std::make_shared<spdlog::details::thread_pool>(kSlots, 1);
    logger_ = std::make_shared<spdlog::async_logger>("linegate", sink_, worker_,
                                                     spdlog::async_overflow_policy::overrun_oldest);
    logger_->set_level(level_);
  }

  void write(spdlog::level::level_enum level, std::string_view sentence) {
    if (!logger_->should_log(level)) return;
    std::string text = json_ ? json::quoted(sentence) : one_line(sentence);
    ++queued_;
    logger_->log(level, spdlog::string_view_t(text.data(), text.size()));
  }

  // Waits until everything is written; not for long.
  void drain() const {
    if (!worker_) return;
    auto end = std::chrono::steady_clock::now() + kPatience;
    while (sink_->written + worker_->overrun_counter() < queued_ && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  void flush() {
    if (!worker_) return;
    drain();
    sink_->give_up = true;
    logger_.reset();
    worker_.reset();  // joins it
    write_directly();
  }

 private:
  std::shared_ptr<StderrSink> make_sink() const {
    auto sink = std::make_shared<StderrSink>();
    sink->set_formatter(
        std::make_unique<spdlog::pattern_formatter>(json_ ? kJson : kText, spdlog::pattern_time_type::utc));
    return sink;
  }

  void write_directly() {
    sink_ = make_sink();
    sink_->give_up = true;  // a line that cannot be written at once is dropped
    logger_ = std::make_shared<spdlog::logger>("linegate", sink_);
    logger_->set_level(level_);
  }

  // A sentence cannot pretend to be two.
  static std::string one_line(std::string_view sentence) {
    std::string text(sentence);
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; },
        ' ');
    return text;
  }

  bool json_ = false;
  spdlog::level::level_enum level_ = spdlog::level::info;
  std::shared_ptr<StderrSink> sink_;
  std::shared_ptr<spdlog::details::thread_pool> worker_;  // null = lines are written by who logs
  std::shared_ptr<spdlog::logger> logger_;
  std::size_t queued_ = 0;
};

}  // namespace

void init_log(const LogConfig& config) {
  Log::the().init(config);
}

void log_debug(std::string_view sentence) {
  Log::the().write(spdlog::level::debug, sentence);
}
void log_info(std::string_view sentence) {
  Log::the().write(spdlog::level::info, sentence);
}
void log_warning(std::string_view sentence) {
  Log::the().write(spdlog::level::warn, sentence);
}
void log_error(std::string_view sentence) {
  Log::the().write(spdlog::level::err, sentence);
}

void announce(std::string_view text) {
  Log::the().drain();  // what was logged before stands before it
  std::string line = "linegate: " + std::string(text) + "\n";
  std::string_view rest = line;
  while (!rest.empty()) {
    ssize_t n = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (n < 0 && errno != EINTR) return;
    if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

void log_exception(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    log_error(std::string("bug: a task ended with an exception: ") + e.what());
  } catch (...) {
    log_error("bug: a task ended with an unknown exception");
  }
}

void flush_log() {
  Log::the().flush();
}

}  // namespace linegate::daemon
