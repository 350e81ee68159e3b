// A connection's calls: those that run, those that wait for a place, and how each comes to its end.
#include <utility>
#include <variant>

#include "daemon/connection.h"
#include "daemon/dispatch.h"
#include "loop/sleep.h"

namespace linegate::daemon {
namespace {

wire::Error memory_error() {
  wire::Error error{wire::Symbol::overloaded, "the server holds as much for its clients as it may", {}};
  error.text("reason", "memory");
  return error;
}

// A line of text without options: the same line again asks for the same.
bool is_plain(const wire::Call& call) {
  const wire::ReplyTo& to = call.to;
  return to.dialect == wire::Dialect::text && to.id.empty() && !to.raw && !to.want_meta && !call.timeout &&
         !call.fresh;
}

// Counts a call while it runs, however it ends.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t& count_;
};

}  // namespace

void Connection::begin(const wire::Call& call, Destination destination, std::string_view line) {
  auto outbound = router_->request(call);
  if (auto* error = std::get_if<wire::Error>(&outbound)) return deliver(destination, Answer::of(*error));
  trust();
  if (context_.server->budget().full()) return deliver(destination, Answer::of(memory_error()));
  auto& rendered = std::get<OutboundRequest>(outbound);
  CallLimits limits = CallLimits::from(call, context_.loop.now());
  if (auto refusal = refuse(rendered, limits)) {
    log_access(rendered, limits, *refusal);
    return deliver(destination, *refusal);
  }
  bool at_once = waiting_.empty() && may_start();
  if (at_once) {
    auto answer = answer_at_once(context_, rendered, limits);
    if (answer) {
      if (is_plain(call) && !answer->error) note_in_memo(context_, line, rendered);
      log_access(rendered, limits, *answer);
      return deliver(destination, *answer);
    }
  }
  auto request = std::make_unique<Request>();
  request->destination = std::move(destination);
  request->outbound = std::move(rendered);
  request->limits = limits;
  const wire::ReplyTo& to = request->destination.to;
  if (to.dialect == wire::Dialect::jsonrpc && !to.notification) remember_id(to.id, *request);
  client_.set_busy(true);
  if (at_once) return start(std::move(request));
  wait_for_place(std::move(request));
}

// JSON-RPC ids are compared as raw bytes; one that is in flight must not be used again.
std::optional<wire::Error> Connection::register_id(const wire::ReplyTo& to) {
  if (to.dialect != wire::Dialect::jsonrpc || to.notification || !by_id_ || by_id_->count(to.id) == 0)
    return std::nullopt;
  return wire::Error{wire::Symbol::invalid_request, "a request with this id is still in flight", {}};
}

void Connection::remember_id(std::string_view id, Request& request) {
  if (!by_id_) by_id_ = std::make_unique<Ids>();
  by_id_->emplace(id, &request);
}

// Replies that wait for their turn stop a call only while others run: when none does, it may be this one that
// they wait for. Those of a batch stop none: they wait for its own items.
bool Connection::may_start() const {
  if (running_ >= limits_.max_in_flight || client_.unsent() > limits_.max_unsent) return false;
  return held_in_order_ <= limits_.max_unsent || running_ == 0;
}

void Connection::start(std::unique_ptr<Request> request) {
  Request& started = *request;
  started.running = true;
  ++running_;
  started.task = tasks_.spawn(run_request(std::move(request)));
}

Task<> Connection::run_request(std::unique_ptr<Request> request) {
  Counted counted(context_.in_flight);
  auto outcome = co_await dispatch(context_, client_, request->outbound, request->limits);
  finish(*request, answer_of(context_, outcome, request->outbound, request->limits));
}

void Connection::wait_for_place(std::unique_ptr<Request> request) {
  request->bytes = sizeof(Request) + request->outbound.url.bytes.size() + request->outbound.body.bytes.size();
  waiting_bytes_ += request->bytes;
  if (request->destination.batch) ++waiting_items_;
  client_.hold(request->bytes);
  Request& waits = *request.release();
  waiting_.push_back(waits);
  waits.may_expire = waits.limits.timeout.has_value();
  if (waits.may_expire) waits.task = tasks_.spawn(expire(waits));
  start_waiting();
}

// The client's own timeout bounds the whole call, this waiting too. Ends with it: see take_out().
Task<> Connection::expire(Request& request) {
  const CallLimits& limits = request.limits;
  co_await sleep(context_.loop, limits.received + *limits.timeout - context_.loop.now());
  request.may_expire = false;
  auto taken = take_out(request);
  finish(*taken, expired(taken->outbound, *limits.timeout, context_.config->secrets));
}

// It waits no longer.
std::unique_ptr<Connection::Request> Connection::take_out(Request& request) {
  request.unlink();
  waiting_bytes_ -= request.bytes;
  if (request.destination.batch) --waiting_items_;
  client_.let_go(request.bytes);
  if (std::exchange(request.may_expire, false)) tasks_.cancel(request.task);
  return std::unique_ptr<Request>(&request);
}

void Connection::start_waiting() {
  while (!waiting_.empty() && may_start()) start(take_out(waiting_.front()));
  if (has_room()) room_.set();
  bool unread = !waiting_.empty() && client_.unsent() > limits_.max_unsent;
  if (unread && !std::exchange(waits_writable_, true)) tasks_.spawn(start_when_writable());
}

Task<> Connection::start_when_writable() {
  co_await client_.writable();
  waits_writable_ = false;
  start_waiting();
}

bool Connection::cancel(std::string_view id) {
  if (!by_id_) return false;
  auto found = by_id_->find(id);
  if (found == by_id_->end()) return false;
  Request& request = *found->second;
  Answer cancelled = Answer::of(wire::Error{wire::Symbol::cancelled, "cancelled by the client", {}});
  if (request.running) {
    finish(request, cancelled);
    tasks_.cancel(request.task);
  } else {
    auto taken = take_out(request);
    finish(*taken, cancelled);
  }
  return true;
}

// The answer of a request is there. Its owner, a task's frame or cancel(), lets go of it next.
void Connection::finish(Request& request, const Answer& answer) {
  log_access(request.outbound, request.limits, answer);
  const wire::ReplyTo& to = request.destination.to;
  if (to.dialect == wire::Dialect::jsonrpc && !to.notification) by_id_->erase(to.id);
  if (request.running) --running_;
  deliver(request.destination, answer);
  start_waiting();
  if (running_ == 0 && waiting_.empty()) client_.set_busy(false);
}

}  // namespace linegate::daemon
