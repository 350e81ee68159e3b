// linegate-stub: the upstream of the benchmarks, with a set delay, body size, share of errors and limit of
// connections.
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include "common/item.h"
#include "common/sockets.h"
#include "stub/server.h"

namespace {

constexpr const char* kUsage =
    R"(usage: linegate-stub --port PORT [options]    GET /item/ID and /item/ID?size=BYTES, on 127.0.0.1

  --delay D             0, 500us, 20ms; uniform:1ms,9ms; exp:20ms; tail:5ms,200ms,0.01   [0]
  --body BYTES          of an item whose size is not asked for                           [100]
  --errors SHARE        of the requests answer 503, 0 to 1                               [0]
  --max-connections N   more are closed at once; 0 = no limit                            [0]
)";

[[noreturn]] void refuse() {
  std::fputs(kUsage, stderr);
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  bench::StubOptions options;
  auto delay = bench::Delay::parse("0");
  std::size_t body = bench::kSmallBody;
  double errors = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--port")
      options.port = std::atoi(value.c_str());
    else if (name == "--delay")
      delay = bench::Delay::parse(value);
    else if (name == "--body")
      body = std::strtoul(value.c_str(), nullptr, 10);
    else if (name == "--errors")
      errors = std::atof(value.c_str());
    else if (name == "--max-connections")
      options.max_connections = std::uint32_t(std::atoi(value.c_str()));
    else
      refuse();
  }
  if (argc % 2 == 0 || options.port == 0 || !delay) refuse();
  std::signal(SIGPIPE, SIG_IGN);
  bench::raise_descriptor_limit();
  bench::StubServer(options, *delay, bench::Answers(body, errors)).run();
}
