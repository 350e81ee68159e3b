// From a parsed call to the request it asks for: finding the route, binding arguments, expanding templates.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <variant>

#include "daemon/router.h"
#include "wire/parse.h"

namespace linegate::daemon {
namespace {

constexpr const char* kConfig = R"(schema = 1
[upstream.api]
base_url = "http://127.0.0.1:8080/v1"
headers = { "X-Api-Key" = "k" }
[route.item]
upstream = "api"
method = "GET"
path = "/item/{id}"
params = [ { name = "id", required = true } ]
[route.weather]
upstream = "api"
method = "GET"
path = "/current/{city}"
query = { units = "{units}", lang = "en" }
params = [ { name = "city", required = true, max_length = 64 }, { name = "units", enum = ["metric", "imperial"], default = "metric" } ]
[route.search]
upstream = "api"
method = "POST"
path = "/search"
json = { q = "{q}", limit = "{limit}" }
params = [ { name = "q", required = true }, { name = "limit", type = "int", min = 1, max = 50, default = 10 } ]
)";

Router make_router() {
  LoadedConfig loaded = parse_config(kConfig, "bench.toml");
  if (!loaded.config) {
    std::fputs("the benchmark's config is refused\n", stderr);
    std::exit(2);
  }
  return Router(loaded.config);
}

void expand(benchmark::State& state, const char* line) {
  const Router router = make_router();
  const wire::Message message = wire::parse(line);
  const auto& call = std::get<wire::Call>(message);
  for (auto _ : state) benchmark::DoNotOptimize(router.request(call));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(expand, path, "item 0001000000ff");
BENCHMARK_CAPTURE(expand, path_and_query, R"(weather "São Paulo" imperial)");
BENCHMARK_CAPTURE(expand, json_body, R"(search "two words" limit=5)");

}  // namespace
}  // namespace linegate::daemon
