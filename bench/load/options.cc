// The command line of linegate-load.
#include "load/options.h"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>

namespace bench {
namespace {

constexpr const char* kUsage =
    R"(usage: linegate-load [--port 15555] [options]     sends lines to 127.0.0.1 and checks every reply

  --dialect text|tagged|jsonrpc|http|resp     tagged is text with @id; http is for peers and upstreams,
                  resp for Redis                                                                [text]
  --connections N                      [64]
  --depth N       unanswered requests a connection; 0 connects and stays idle                     [1]
  --rate R        open loop: R requests a second, latency from when each was meant to leave       [closed loop]
  --warmup S      seconds before measuring                                                        [1]
  --duration S    seconds of measuring                                                            [5]
  --drain S       seconds within which the last replies must come                                 [10]
  --requests N    stop after N requests instead of after a time, without warm-up
  --keys N        the tokens are N different ones, the same for all connections   [each request has its own]
  --request WORDS what to send, {id} is the token                                                 ["item {id}"]
  --expect WHAT   bytes of the item, or =JSON, or !symbol of an error                             [100]
  --mix FILE      lines of WEIGHT EXPECT WORDS instead
  --allow-errors  count error replies that were not expected instead of failing
  --events        write a line to stdout when all are connected, and as measuring begins and ends
  --wait          once connected, begin only when stdin has a line or ends
  --histogram     in the JSON: [greatest value in us, count] of each part of the histogram that has values
  --quiet         no progress on stderr

Prints one JSON object. Exit code 1: a reply was wrong, missing or an error; 2: it could not run.
)";

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr, "linegate-load: %s\n%s", why.c_str(), kUsage);
  std::exit(2);
}

double number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != 0 || value < 0) refuse("\"" + text + "\" is not a number");
  return value;
}

Dialect dialect(const std::string& text) {
  const auto found = dialect_named(text);
  if (!found) refuse("no dialect \"" + text + "\"");
  return *found;
}

using Set = std::function<void(const std::string&)>;

std::map<std::string, Set> valued(Options& o) {
  return {
      {"--port", [&](auto& v) { o.port = int(number(v)); }},
      {"--dialect", [&](auto& v) { o.dialect = dialect(v); }},
      {"--connections", [&](auto& v) { o.connections = std::uint32_t(number(v)); }},
      {"--depth", [&](auto& v) { o.depth = std::uint32_t(number(v)); }},
      {"--rate", [&](auto& v) { o.rate = number(v); }},
      {"--warmup", [&](auto& v) { o.warmup = number(v); }},
      {"--duration", [&](auto& v) { o.duration = number(v); }},
      {"--drain", [&](auto& v) { o.drain = number(v); }},
      {"--requests", [&](auto& v) { o.requests = std::uint64_t(number(v)); }},
      {"--keys", [&](auto& v) { o.keys = std::uint32_t(number(v)); }},
      {"--request", [&](auto& v) { o.words = v; }},
      {"--expect", [&](auto& v) { o.expect = v; }},
      {"--mix", [&](auto& v) { o.mix = v; }},
  };
}

void check(const Options& o) {
  if (o.connections == 0 || o.connections > 65536) refuse("--connections is 1 to 65536");
  if (o.depth == 0 && o.rate > 0) refuse("--rate needs a --depth");
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  const auto with_value = valued(options);
  const std::map<std::string, bool*> flags = {{"--allow-errors", &options.allow_errors},
                                              {"--quiet", &options.quiet},
                                              {"--wait", &options.wait},
                                              {"--histogram", &options.histogram},
                                              {"--events", &options.events}};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--help") {
      std::fputs(kUsage, stdout);
      std::exit(0);
    }
    if (const auto flag = flags.find(word); flag != flags.end()) {
      *flag->second = true;
    } else if (const auto option = with_value.find(word); option == with_value.end()) {
      refuse("no option \"" + word + "\"");
    } else if (++i == argc) {
      refuse(word + " needs a value");
    } else {
      option->second(argv[i]);
    }
  }
  if (options.requests > 0) options.warmup = 0;
  check(options);
  return options;
}

}  // namespace bench
