// What a run tells: the progress line while it goes on, JSON at its end.
#include <cstdarg>
#include <cstdio>

#include "load/load.h"

namespace bench {
namespace {

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
  char space[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(space, sizeof space, pattern, arguments);
  va_end(arguments);
  return space;
}

double us(std::uint64_t nanoseconds) {
  return double(nanoseconds) / 1e3;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20)
      out += c;
    else
      out += format("\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return out + '"';
}

std::string latency_json(const linegate::Histogram& h) {
  return format(
      R"({"count":%llu,"min":%.1f,"mean":%.1f,"p50":%.1f,"p90":%.1f,"p99":%.1f,"p99_9":%.1f,"max":%.1f})",
      static_cast<unsigned long long>(h.count()), us(h.min()), h.mean() / 1e3, us(h.at(0.5)), us(h.at(0.9)),
      us(h.at(0.99)), us(h.at(0.999)), us(h.max()));
}

std::string parts_json(const linegate::Histogram& h) {
  std::string parts;
  h.each([&](std::uint64_t upper, std::uint64_t count) {
    parts +=
        format("%s[%.1f,%llu]", parts.empty() ? "" : ",", us(upper), static_cast<unsigned long long>(count));
  });
  return ",\"histogram_us\":[" + parts + "]";
}

}  // namespace

void Load::progress(std::uint64_t now) {
  next_progress_ += 1'000'000'000;
  if (options_.quiet) return;
  std::fprintf(
      stderr,
      "%5.1f s %s %8llu/s  p50 %.0f us  p99 %.0f us  max %.0f us  errors %zu kinds  unanswered %llu\n",
      double(now - began_) / 1e9,
      measuring_      ? "measuring"
      : sending_over_ ? "draining "
                      : "warm-up  ",
      static_cast<unsigned long long>(received_ - progress_mark_), us(recent_.at(0.5)), us(recent_.at(0.99)),
      us(recent_.max()), errors_.size(), static_cast<unsigned long long>(unanswered()));
  progress_mark_ = received_;
  recent_.clear();
}

std::string Load::json() const {
  std::string errors;
  for (const auto& [symbol, count] : errors_) {
    errors += (errors.empty() ? "" : ",") + quoted(symbol) + ':' + std::to_string(count);
  }
  const double rate = measured_seconds_ > 0 ? double(received_measuring_) / measured_seconds_ : 0;
  const double own = received_measuring_ > 0 ? cpu_.seconds() * 1e6 / double(received_measuring_) : 0;
  return R"({"ok":)" + std::string(failure_.empty() ? "true" : "false") + R"(,"failure":)" +
         quoted(failure_) +
         format(R"(,"dialect":"%s","loop":"%s","connections":%u,"depth":%u,"target_rate":%.1f,)",
                name_of(options_.dialect), schedule_ ? "open" : "closed", options_.connections,
                options_.depth, options_.rate) +
         format(R"("seconds":%.4f,"measured":%llu,"received":%llu,"sent":%llu,"rate":%.1f,)",
                measured_seconds_, static_cast<unsigned long long>(received_measuring_),
                static_cast<unsigned long long>(received_), static_cast<unsigned long long>(sent_), rate) +
         R"("errors":{)" + errors + R"(},"latency_us":)" + latency_json(latency_) +
         (options_.histogram ? parts_json(latency_) : "") +
         format(
             R"(,"own_cpu":{"running":%.3f,"kept_waiting":%.3f,"us_per_request":%.2f,"was_the_limit":%s}})",
             cpu_.running(), cpu_.waiting(), own, cpu_.was_the_limit() ? "true" : "false");
}

}  // namespace bench
