// What the tests of the pipeline share: requests and policies that differ in one thing, callers that come and
// go, an API that answers in turn.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../support/run.h"
#include "../support/scripted_api.h"
#include "coro/task_group.h"
#include "upstream/upstream.h"

namespace linegate {

inline UpstreamOptions to(const ScriptedApi& api, Cache* cache = nullptr) {
  UpstreamOptions options;
  options.name = "api";
  options.base_url = api.url();
  options.cache = cache;
  return options;
}

inline Request request(std::string target = "/x", std::string method = "GET") {
  Request made;
  made.method = std::move(method);
  made.target = std::move(target);
  return made;
}

// One attempt, no clock that could run out by itself, nothing stored but by the API's own words.
inline CallPolicy patient() {
  CallPolicy policy;
  policy.timeouts = {.queue = 1h, .connect = 1h, .first_byte = 1h, .total = 1h};
  policy.retry.attempts = 1;
  return policy;
}

inline CallPolicy retrying(std::uint64_t attempts = 2) {
  CallPolicy policy = patient();
  policy.retry.attempts = attempts;
  policy.retry.backoff_base = 1ms;
  policy.retry.backoff_max = 1ms;
  return policy;
}

// Stores what the API answers, whatever that says.
inline CallPolicy storing() {
  CallPolicy policy = patient();
  policy.cache.mode = CacheMode::override_ttl;
  policy.cache.ttl = 1h;
  return policy;
}

inline CallOptions with(CallPolicy policy, Duration client_timeout = Duration::max()) {
  CallOptions options;
  options.policy = std::make_shared<const CallPolicy>(std::move(policy));
  options.client_timeout = client_timeout;
  return options;
}

// One word for each thing that a caller is told: "200 miss", "reset sent", "timeout queue client unsent".
inline std::string told(const Outcome& outcome) {
  if (!outcome.response) return "nothing";
  const auto& error = outcome.response->error;
  if (!error) return std::to_string(outcome.response->status) + " " + std::string(name(outcome.source));
  std::string text(name(error->kind));
  if (error->kind == ErrorKind::timeout)
    text += " " + std::string(name(error->phase)) + " " + std::string(name(error->limit));
  return text + (error->sent ? " sent" : " unsent");
}

// Somebody who asks, and may leave before the answer.
class Caller {
 public:
  Caller(Loop& loop, Upstream& upstream, Request what, CallOptions how) : group_(loop) {
    group_.spawn(ask(*this, upstream, std::move(what), std::move(how)));
  }
  void leave() { group_.cancel(); }
  // co_await caller.end(): until there is an answer, or until it has left.
  auto end() { return group_.join(); }
  bool answered() const { return outcome_.response != nullptr; }
  const Outcome& outcome() const { return outcome_; }
  std::string told() const { return linegate::told(outcome_); }

 private:
  static Task<> ask(Caller& caller, Upstream& upstream, Request what, CallOptions how) {
    caller.outcome_ = co_await upstream.call(std::move(what), std::move(how));
  }

  Outcome outcome_;
  TaskGroup group_;
};

using Callers = std::vector<std::unique_ptr<Caller>>;

inline void add(Callers& callers, Loop& loop, Upstream& upstream, std::size_t count, const CallOptions& how,
                const Request& what = request()) {
  for (std::size_t i = 0; i < count; ++i)
    callers.push_back(std::make_unique<Caller>(loop, upstream, what, how));
}

// Until all have their answers, or have left.
inline Task<> all(Callers& callers) {
  for (auto& caller : callers) co_await caller->end();
}

// The n-th request to this API gets the n-th reply, all later ones the last. An empty one is no reply at all:
// the connection stays open.
inline ScriptedApi::Script in_turn(std::vector<std::string> replies) {
  auto next = std::make_shared<std::atomic<std::size_t>>(0);
  return ScriptedApi::answering([next, replies](const std::string& /*request*/) {
    return replies[std::min(next->fetch_add(1), replies.size() - 1)];
  });
}

// Answers each request with `text` once `open` is set.
inline ScriptedApi::Script held(Latch& open, std::string text) {
  return ScriptedApi::answering([&open, text = std::move(text)](const std::string& /*request*/) {
    open.wait();
    return text;
  });
}

// Never answers, and counts who hangs up.
inline ScriptedApi::Script hanging(std::atomic<int>& hung_up) {
  return [&hung_up](ScriptedApi::Connection& connection) {
    while (!connection.read_request().empty()) {
    }
    ++hung_up;
  };
}

// Answers at once, but what is asked of /hang never.
inline ScriptedApi::Script answering_but_hang(std::string text = reply("1")) {
  return ScriptedApi::answering([text = std::move(text)](const std::string& request) {
    return request.find("/hang") == request.npos ? text : std::string();
  });
}

// The one who is asked for bytes.
class Purse final : public BodyBudget {
 public:
  bool grow(std::size_t bytes) override {
    used += bytes;
    most = std::max(most, used);
    return true;
  }
  void shrink(std::size_t bytes) override { used -= bytes; }
  std::size_t used = 0;
  std::size_t most = 0;
};

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

}  // namespace linegate
