// Coroutines and round trips: a task awaited, a task resumed by the queue, a line to a server and back, a
// request through the session. The round trips include both ends, and the kernel's part.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "common/sockets.h"
#include "linegate.h"

namespace linegate {
namespace {

Task<int> leaf(int value) {
  co_return value;
}

Task<> await_many(benchmark::State& state) {
  for (auto _ : state) {
    int value = co_await leaf(1);
    benchmark::DoNotOptimize(value);
  }
}

void task_awaited(benchmark::State& state) {
  Loop loop;
  loop.run(await_many(state));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(task_awaited);

Task<> ping(Event& mine, Event& other, benchmark::State& state) {
  for (auto _ : state) {
    other.set();
    co_await mine.wait();
    mine.clear();
  }
}

Task<> pong(Event& mine, Event& other) {
  for (;;) {
    co_await mine.wait();
    mine.clear();
    other.set();
  }
}

// Two switches through the run queue.
void task_resumed(benchmark::State& state) {
  Loop loop;
  Event a(loop), b(loop);
  TaskGroup group(loop);
  group.spawn(pong(b, a));
  loop.run(ping(a, b, state));
  group.cancel();
  state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(task_resumed);

int port_of(const Server& server) {
  const std::string address = server.addresses()[0];
  return std::atoi(address.substr(address.rfind(':') + 1).c_str());
}

Task<> echo(Client& client) {
  while (auto line = co_await client.read_line()) {
    std::string reply(*line);
    reply += '\n';
    co_await client.write(reply);
  }
}

void send_and_receive(benchmark::State& state, int port) {
  const int fd = bench::connect_to(port);
  char reply[64];
  for (auto _ : state) {
    bench::checked(int(send(fd, "item 0001000000ff\n", 18, MSG_NOSIGNAL)), "send");
    bench::checked(int(recv(fd, reply, 18, MSG_WAITALL)), "recv");
  }
  close(fd);
}

void line_round_trip(benchmark::State& state) {
  Loop loop;
  auto server = start_server(loop, {}, [](Client& client) { return echo(client); });
  std::thread peer([&, port = port_of(*server)] { send_and_receive(state, port); });
  while (server->connections() == 0) uv_run(loop.uv(), UV_RUN_ONCE);
  while (server->connections() > 0) uv_run(loop.uv(), UV_RUN_ONCE);
  peer.join();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(line_round_trip)->UseRealTime();

Task<> answer_http(Client& client) {
  while (auto line = co_await client.read_line()) {
    if (line->empty())
      co_await client.write(
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  }
}

Task<> get_many(Session& session, std::string url, benchmark::State& state) {
  for (auto _ : state) {
    auto reply = co_await session.get(url);
    if (!reply.ok()) state.SkipWithError("the request failed");
  }
}

void session_round_trip(benchmark::State& state) {
  Loop loop;
  auto server = start_server(loop, {}, [](Client& client) { return answer_http(client); });
  Session session(loop);
  loop.run(get_many(session, "http://127.0.0.1:" + std::to_string(port_of(*server)) + "/item/1", state));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(session_round_trip)->UseRealTime();

}  // namespace
}  // namespace linegate
