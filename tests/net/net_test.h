// What the tests of net/ share: a loop, options that record what the server says, and two handlers.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/client.h"
#include "net/server.h"
#include "support/peer.h"
#include "support/run.h"

namespace linegate {

class NetTest : public ::testing::Test {
 protected:
  ServerOptions options() {
    ServerOptions result;
    result.on_dropped = [this](const Client&, const char* reason) { dropped.emplace_back(reason); };
    result.on_error = [this](std::exception_ptr error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& e) {
        errors.emplace_back(e.what());
      }
    };
    return result;
  }

  Loop loop;
  std::vector<std::string> dropped;
  std::vector<std::string> errors;
};

// Answers each line with itself.
inline Task<> echo(Client& client) {
  for (;;) {
    auto line = co_await client.read_line();
    if (!line) co_return;
    auto written = co_await client.write(std::string(*line) + "\n");
    if (!written) co_return;
  }
}

// Answers each line with "<line>" and what is special about it, and the end with "end".
inline Task<> describe(Client& client) {
  for (;;) {
    auto line = co_await client.read_line();
    if (!line) break;
    std::string text = "<" + std::string(*line) + ">";
    if (line->too_long) text += " too long";
    if (line->late) text += " late";
    client.send(text + "\n");
  }
  client.send("end\n");
}

// Sets an event when a frame that holds it is destroyed.
struct SetAtEnd {
  Event& event;
  ~SetAtEnd() { event.set(); }
};

}  // namespace linegate
