// A context of one's own: it lives on the heap, all clients share it, and no lock is needed, because one
// thread runs them all. Each line is answered with how many lines this client and all clients together have
// sent.
#include <linegate.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

using namespace linegate;

class Counter {
 public:
  std::size_t next() { return ++lines_; }

 private:
  std::size_t lines_ = 0;
};

Task<> handle(Client& client, Counter& all) {
  Counter mine;
  while (co_await client.read_line()) {
    std::string reply = "yours: " + std::to_string(mine.next());
    reply += ", of all: " + std::to_string(all.next()) + "\n";
    co_await client.write(reply);
  }
}

Task<> serve(Loop& loop, std::string listen) {
  auto counter = std::make_shared<Counter>();
  auto server = start_server(loop, {.listen = {listen}}, counter, handle);
  std::fprintf(stderr, "listening on %s\n", server->addresses()[0].c_str());
  Signals signals(loop, {SIGINT, SIGTERM});
  co_await signals.next();
  co_await server->drain(8s);
}

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: counter_context HOST:PORT\n"), 2;
  Loop loop;
  loop.run(serve(loop, argv[1]));
}
