// Lines in: splitting, and the two parsers.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "wire/parse.h"

namespace linegate {
namespace {

// What Client does with each chunk that arrives: look for LF, cut, go on.
void split_lines(benchmark::State& state) {
  const std::string line(std::size_t(state.range(0)), 'x');
  std::string chunk;
  while (chunk.size() < 64 * 1024) chunk += line + '\n';
  std::size_t lines = 0;
  for (auto _ : state) {
    std::string_view left = chunk;
    for (auto lf = left.find('\n'); lf != left.npos; lf = left.find('\n')) {
      benchmark::DoNotOptimize(left.substr(0, lf));
      left.remove_prefix(lf + 1);
      ++lines;
    }
  }
  state.SetItemsProcessed(std::int64_t(lines));
  state.SetBytesProcessed(std::int64_t(state.iterations() * chunk.size()));
}
BENCHMARK(split_lines)->Arg(20)->Arg(200)->Arg(2000);

void parse(benchmark::State& state, std::string_view line) {
  for (auto _ : state) benchmark::DoNotOptimize(wire::parse(line));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(parse, text_bare, "item 0001000000ff");
BENCHMARK_CAPTURE(parse, text_named_quoted,
                  R"(weather city="São Paulo" units=imperial @timeout=800ms @meta)");
BENCHMARK_CAPTURE(parse, jsonrpc, R"({"jsonrpc":"2.0","id":7,"method":"item","params":["0001000000ff"]})");
BENCHMARK_CAPTURE(
    parse, jsonrpc_named,
    R"({"jsonrpc":"2.0","id":"a-7","method":"weather","params":{"city":"Oslo","units":"metric"},"meta":{"want":true}})");

}  // namespace
}  // namespace linegate
