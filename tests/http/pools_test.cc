// Many connections to one host are spread over several multi handles of libcurl. Nobody may notice, but for
// the time that it takes to choose one.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>

#include "../support/run.h"
#include "../support/scripted_api.h"
#include "coro/task_group.h"
#include "http/session.h"

namespace linegate {
namespace {

constexpr int kMany = 150;       // three pools
constexpr int kInTheFirst = 64;  // of the connections

// Lets nobody through before `kMany` have come, or it was opened.
class Barrier {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    const int round = waiting_ / kMany;
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return open_ || waiting_ / kMany > round; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

class Pools : public testing::Test {
 protected:
  static SessionOptions options() {
    SessionOptions options;
    options.max_transfers = 0;
    options.origin.max_idle = 1s;
    return options;
  }

  // Each answer is its own request's path.
  void answer(ScriptedApi::Connection& connection) {
    ++connections;
    for (std::string request; !(request = connection.read_request()).empty();) {
      barrier.wait();
      connection.send(reply('"' + request.substr(4, request.find(' ', 4) - 4) + '"'));
    }
    ++ended;
  }

  Task<> ask(int number) {
    std::string path = "/" + std::to_string(number);
    auto response = co_await session.get(api.url(path));
    if (response.error) {
      ADD_FAILURE() << response.error->message;
    } else if (response.body == '"' + path + '"') {
      ++right;
    }
  }

  Task<> wave() {
    right = 0;
    TaskGroup calls(loop.queue());
    for (int i = 0; i < kMany; ++i) calls.spawn(ask(i));
    co_await calls.join();
    EXPECT_EQ(right, kMany);
  }

  Barrier barrier;
  std::atomic<int> connections = 0, ended = 0;
  int right = 0;
  ScriptedApi api{[this](auto& connection) { answer(connection); }};
  Loop loop;
  Session session{loop, options()};
};

TEST_F(Pools, GiveEachTransferItsAnswerAndEachConnectionItsNextTransfer) {
  run_test(loop, [this]() -> Task<> {
    co_await wave();
    co_await wave();
    EXPECT_EQ(connections, kMany);
  });
}

TEST_F(Pools, CloseTheConnectionsOfThoseThatAreUnusedForLong) {
  run_test(loop, [this]() -> Task<> {
    co_await wave();
    co_await until(loop, [this] { return ended == kMany - kInTheFirst; });
    co_await wave();
    EXPECT_GE(connections, kMany + kMany - kInTheFirst);
  });
}

TEST_F(Pools, EndWithTransfersUnderWayInAllOfThem) {
  run_test(loop, [this]() -> Task<> {
    TaskGroup calls(loop.queue());
    for (int i = 0; i < kMany - 1; ++i) calls.spawn(ask(i));  // one too few for the barrier
    co_await until(loop, [this] { return connections == kMany - 1; });
    calls.cancel();
    barrier.open();
    co_await wave();
  });
}

}  // namespace
}  // namespace linegate
