// linegate-load: sends lines, checks every reply, prints what it measured.
#include <csignal>
#include <cstdio>
#include <exception>

#include "common/sockets.h"
#include "load/load.h"

namespace {

bench::Mix mix_of(const bench::Options& options) {
  if (!options.mix.empty()) return bench::Mix::read(options.mix, options.dialect);
  return bench::Mix::parse("1 " + options.expect + " " + options.words, options.dialect);
}

int run(const bench::Options& options) {
  const bench::Mix mix = mix_of(options);
  bench::Load load(options, mix);
  const bool ok = load.run();
  std::printf("%s\n", load.json().c_str());
  if (!ok) std::fprintf(stderr, "linegate-load: FAILED: %s\n", load.failure().c_str());
  if (load.was_the_limit()) {
    std::fputs("linegate-load: warning: the generator or its core was the limit, not the server\n", stderr);
  }
  return ok ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  bench::raise_descriptor_limit();
  const bench::Options options = bench::parse_options(argc, argv);
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "linegate-load: %s\n", error.what());
    return 2;
  }
}
