// The README's first sample: asyncio.start_server with one shared aiohttp.ClientSession, as a C++ program.
// Each line that a client sends is a city; the API's JSON goes back as one line. Knows nothing of the daemon
// and its protocol.
#include <linegate.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

using namespace linegate;

struct Context {
  Context(Loop& loop, std::string api) : session(loop), url(std::move(api)) {}
  Session session;
  std::string url;
};

Task<> handle(Client& client, Context& context) {
  while (auto line = co_await client.read_line()) {
    Fields params{{"city", std::string(*line)}};
    auto reply = co_await context.session.get(context.url, params);
    co_await client.write(reply.json_line());
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
  if (argc != 3) return std::fprintf(stderr, "usage: weather_gateway HOST:PORT URL\n"), 2;
  Loop loop;
  loop.run(serve(loop, argv[1], argv[2]));
}
