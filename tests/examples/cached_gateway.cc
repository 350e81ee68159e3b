// Upstream and Cache from code: the weather gateway, for an API that is slow, counts its callers, and is
// sometimes down. Each line is answered with where the answer came from, and the API's JSON. What is stored
// is given out for a minute, and for an hour more while the API fails.
#include <linegate.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

using namespace linegate;

UpstreamOptions options_for(const std::string& api, Cache& cache) {
  UpstreamOptions options;
  options.name = "weather";
  options.base_url = api;
  options.cache = &cache;
  options.gate.max_in_flight = 8;
  options.pace = {.per_second = 50, .burst = 50};
  return options;
}

std::shared_ptr<const CallPolicy> policy() {
  CallPolicy policy;
  policy.cache.mode = CacheMode::override_ttl;
  policy.cache.ttl = 60s;
  policy.cache.stale_if_error = 1h;
  policy.retry.attempts = 3;
  return std::make_shared<const CallPolicy>(policy);
}

struct Context {
  Context(Loop& loop, const std::string& api)
      : session(loop), cache(64 << 20), upstream(session, options_for(api, cache)) {}
  Session session;
  Cache cache;
  Upstream upstream;  // behind what it uses: it goes first
  std::shared_ptr<const CallPolicy> weather = policy();
};

Task<> handle(Client& client, Context& context) {
  while (auto line = co_await client.read_line()) {
    Request request;
    request.target = "/current?city=" + percent_encoded(*line);
    CallOptions options;
    options.client = reinterpret_cast<std::uintptr_t>(&client);  // each connection gets its share
    options.policy = context.weather;
    auto outcome = co_await context.upstream.call(std::move(request), options);
    std::string reply(name(outcome.source));
    reply += ' ' + outcome.response->json_line();
    co_await client.write(reply);
  }
}

Task<> serve(Loop& loop, std::string listen, std::string api) {
  auto context = std::make_shared<Context>(loop, api);
  auto server = start_server(loop, {.listen = {listen}}, context, handle);
  std::fprintf(stderr, "listening on %s\n", server->addresses()[0].c_str());
  Signals signals(loop, {SIGINT, SIGTERM});
  co_await signals.next();
  co_await server->drain(8s);
}

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: cached_gateway HOST:PORT URL\n"), 2;
  Loop loop;
  loop.run(serve(loop, argv[1], argv[2]));
}
