// An API's body: checked and made one line.
#include <benchmark/benchmark.h>

#include <string>

#include "common/item.h"
#include "json/checker.h"

namespace linegate {
namespace {

std::string body_of(std::size_t size) {
  const bench::ItemBody item = bench::item_body(size);
  return item.before + "0001000000ff" + item.after;
}

std::string pretty(const std::string& compact) {
  std::string out;
  for (const char c : compact) {
    out += c;
    if (c == ',' || c == '{' || c == '[') out += "\n    ";
    if (c == ':') out += ' ';
  }
  return out;
}

void check_and_minify(benchmark::State& state, bool with_space) {
  std::string body =
      with_space ? pretty(body_of(std::size_t(state.range(0)))) : body_of(std::size_t(state.range(0)));
  body.reserve(body.size() + json::kPadding);
  json::Checker checker;
  Buffer out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(checker.minify_into(body, out));
    out.consume(out.size());
  }
  state.SetBytesProcessed(std::int64_t(state.iterations() * body.size()));
}
BENCHMARK_CAPTURE(check_and_minify, compact, false)->Arg(100)->Arg(10'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(check_and_minify, pretty, true)->Arg(100)->Arg(10'000)->Arg(1'000'000);

// What decides where simdjson refuses: big numbers, lone surrogates.
void validate_alone(benchmark::State& state) {
  const std::string body = body_of(std::size_t(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(json::validate(body, json::kMaxDepth));
  state.SetBytesProcessed(std::int64_t(state.iterations() * body.size()));
}
BENCHMARK(validate_alone)->Arg(100)->Arg(1'000'000);

}  // namespace
}  // namespace linegate
