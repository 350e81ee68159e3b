// The way of a call through an Upstream: a place at the gate, then the transfer, and one replay where a kept
// connection was dead. The only file of this folder that awaits.
#include <utility>

#include "upstream/place.h"
#include "upstream/upstream.h"

namespace linegate {
namespace {

// A client's budget that can be let go while the transfer goes on.
class LooseBudget final : public BodyBudget {
 public:
  explicit LooseBudget(BodyBudget* budget) : budget_(budget) {}
  bool grow(std::size_t bytes) override {
    if (budget_ && !budget_->grow(bytes)) return false;
    if (budget_) charged_ += bytes;
    return true;
  }
  void shrink(std::size_t bytes) override {
    if (!budget_) return;
    budget_->shrink(bytes);
    charged_ -= bytes;
  }
  BodyBudget* behind() const { return budget_; }
  void let_go() {
    if (budget_ && charged_ > 0) budget_->shrink(charged_);
    budget_ = nullptr;
  }

 private:
  BodyBudget* budget_;
  std::size_t charged_ = 0;
};

SendOptions send_options(const UpstreamOptions& upstream, const CallOptions& call, Time now) {
  SendOptions how;
  how.clocks.connect = call.timeouts.connect;
  how.clocks.first_byte = call.timeouts.first_byte;
  how.clocks.total = deadline_after(now, call.timeouts.total);
  how.clocks.client = deadline_after(now, call.client_timeout);
  how.max_body = upstream.max_body;
  how.redirects = upstream.redirects;
  how.budget = call.budget;
  return how;
}

HttpError queue_full() {
  HttpError error;
  error.kind = ErrorKind::overloaded;
  error.message = "too many requests wait for this upstream";
  error.phase = Phase::queue;
  return error;
}

}  // namespace

// A request that must run to its end once it was sent: on the heap, so that it can change hands.
struct Upstream::Flight {
  Flight(Request what, CallOptions how) : request(std::move(what)), options(how), budget(how.budget) {
    if (options.budget) options.budget = &budget;
  }
  Request request;
  CallOptions options;
  LooseBudget budget;
  bool sent = false;
  Task<Outcome> task;  // destroyed first: it refers to the members above
};

// Awaits a flight for its caller. When the caller's frame is destroyed, a flight that was sent goes to the
// upstream.
class Upstream::Landing {
 public:
  Landing(Upstream& upstream, std::unique_ptr<Flight> flight)
      : upstream_(upstream), flight_(std::move(flight)) {}
  ~Landing() {
    if (!flight_->sent || flight_->task.done()) return;
    flight_->task.start(std::noop_coroutine());  // it runs already; this only makes it forget the dying frame
    flight_->budget.let_go();
    upstream_.flights_.spawn(upstream_.adopt(std::move(flight_)));
  }
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;

  bool await_ready() { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) {
    return flight_->task.start(caller);
  }
  Outcome await_resume() {
    Outcome outcome = flight_->task.result();
    outcome.response.charge.rebind(flight_->budget.behind());  // the response outlives the flight
    return outcome;
  }

 private:
  Upstream& upstream_;
  std::unique_ptr<Flight> flight_;
};

Task<Outcome> Upstream::call(Request request, CallOptions options) {
  ++stats_.calls;
  Outcome outcome;
  if (options.idempotent) {
    outcome = co_await attempts(request, options, nullptr);
  } else {
    auto flight = std::make_unique<Flight>(std::move(request), options);
    flight->task = attempts(flight->request, flight->options, &flight->sent);
    Landing landing(*this, std::move(flight));
    outcome = co_await landing;
  }
  count(outcome);
  co_return outcome;
}

// A flight without a caller.
Task<> Upstream::adopt(std::unique_ptr<Flight> flight) {
  struct End {
    Task<Outcome>& task;
    bool await_ready() { return task.done(); }
    void await_suspend(std::coroutine_handle<> frame) { task.start(frame); }
    Outcome await_resume() { return task.result(); }
  };
  ++stats_.orphans;
  End end{flight->task};
  Outcome outcome = co_await end;
  count(outcome);
  if (options_.on_orphan) options_.on_orphan(outcome);
}

Task<Outcome> Upstream::attempts(const Request& request, const CallOptions& options, bool* sent) {
  Loop& loop = session_.loop();
  SendOptions how = send_options(options_, options, loop.now());
  how.sent = sent;
  Outcome outcome;
  Gate::Permit place = gate_.try_enter();
  if (!place) {
    auto error = co_await enter(options, how.clocks, place, outcome.queue);
    if (error) {
      outcome.response = Response::failed(std::move(*error));
      co_return outcome;
    }
  }
  for (;;) {
    Time begin = loop.now();
    outcome.response = co_await session_.send(*origin_, request, how);
    outcome.upstream += loop.now() - begin;
    ++outcome.attempts;
    ++stats_.attempts;
    bool stale = outcome.response.error && outcome.response.error->stale_connection;
    if (!stale || !options.idempotent || how.fresh_connection) break;
    ++stats_.replays;
    how.fresh_connection = true;
  }
  // After a replay the first sending counts, too.
  if (outcome.response.error && outcome.attempts > 1) outcome.response.error->sent = true;
  co_return outcome;
}

Task<std::optional<HttpError>> Upstream::enter(const CallOptions& options, const Clocks& clocks,
                                               Gate::Permit& place, Duration& waited) {
  Loop& loop = session_.loop();
  Time begin = loop.now();
  Deadline queue = deadline_after(begin, options.timeouts.queue - waited);
  queue.limit = options.timeouts.queue;
  Expiry expiry = earliest({queue, Limit::queue}, clocks);
  Place waiting(loop, gate_, options.client, expiry);
  auto verdict = co_await waiting;
  waited += loop.now() - begin;
  if (verdict == Place::Verdict::full) co_return queue_full();
  if (verdict == Place::Verdict::expired) co_return timeout_error(Phase::queue, expiry, false);
  place = waiting.take();
  co_return std::nullopt;
}

}  // namespace linegate
