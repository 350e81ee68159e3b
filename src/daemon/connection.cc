#include "daemon/connection.h"

#include <utility>
#include <variant>

#include "base/printable.h"
#include "daemon/builtins.h"
#include "daemon/dispatch.h"
#include "daemon/log.h"
#include "json/checker.h"
#include "loop/sleep.h"
#include "wire/parse.h"

namespace linegate::daemon {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view without_byte_order_mark(std::string_view bytes) {
  if (bytes.substr(0, kByteOrderMark.size()) == kByteOrderMark) bytes.remove_prefix(kByteOrderMark.size());
  return bytes;
}

wire::Error memory_error() {
  wire::Error error{wire::Symbol::overloaded, "the server holds as much for its clients as it may", {}};
  error.text("reason", "memory");
  return error;
}

wire::Error draining_error() {
  wire::Error error{wire::Symbol::unavailable, "the server is shutting down", {}};
  error.text("reason", "draining");
  return error;
}

}  // namespace

Task<> converse(Client& client, Context& context) {
  Connection connection(client, context);
  co_await connection.run();
}

Connection::Connection(Client& client, Context& context)
    : client_(client),
      context_(context),
      limits_(context.config->server),
      router_(context.router),
      bodies_(*this),
      room_(context.loop.queue()),
      tasks_(context.loop.queue(), [this](std::exception_ptr error) { give_up(error); }) {
  room_.set();
}

// A request ended with an exception, which is a bug: its reply will never come, so its client must not wait
// for it.
void Connection::give_up(std::exception_ptr error) {
  log_exception(error);
  client_.abort("one of its requests ended with an exception");
}

Connection::~Connection() {
  while (!waiting_.empty()) delete &waiting_.pop_front();
}

// ---------------------------------------------------------------- input

Task<> Connection::run() {
  auto ours = co_await check_start();
  while (ours) {
    auto good = co_await check_head();
    if (!good) break;
    auto line = co_await client_.read_line();
    if (!line) break;
    if (!take_line(*line)) break;
    co_await until_room();
  }
  co_await tasks_.join();
  if (quit_) deliver(destination_of(*quit_), Answer::of("null"));
  client_.send(wire::farewell(foreign_));
}

// The first bytes of a connection: TLS and Telnet have no lines to wait for.
Task<bool> Connection::check_start() {
  auto foreign = wire::Foreign::none;
  for (std::size_t needed = 1; needed <= 2; ++needed) {
    auto bytes = co_await client_.peek_line(needed);
    if (!bytes) co_return false;
    auto known = bytes->empty() ? wire::Foreign::none : wire::sniff_start(*bytes);
    foreign = known.value_or(wire::Foreign::none);
    if (known) break;
  }
  co_return foreign == wire::Foreign::none || refuse_foreign(foreign);
}

// Until the first valid request: a long first line shows what it is before its end.
Task<bool> Connection::check_head() {
  if (trusted_) co_return true;
  auto head = co_await client_.peek_line(wire::kSniffBytes);
  if (!head) co_return false;
  auto foreign = wire::sniff_partial(without_byte_order_mark(*head));
  co_return foreign == wire::Foreign::none || refuse_foreign(foreign);
}

bool Connection::take_line(const Line& line) {
  std::string_view text = line;
  if (first_line_) text = without_byte_order_mark(text);
  if (line.too_long) return take_too_long(text);
  if (wire::is_blank(text)) return true;
  auto foreign = trusted_ ? wire::sniff_later_line(text) : wire::sniff_line(text, first_line_);
  first_line_ = false;
  if (foreign != wire::Foreign::none) return refuse_foreign(foreign);
  return take(wire::parse(text, context_.jsonrpc_limits), line.late);
}

bool Connection::take_too_long(std::string_view line) {
  wire::Error error{wire::Symbol::request_too_large,
                    "a line may have at most " + std::to_string(limits_.max_line) + " bytes",
                    {}};
  error.number("limit", static_cast<long long>(limits_.max_line));
  bool goes_on = take_refusal({wire::anonymous(wire::dialect_of(line)), error});
  if (trusted_) return goes_on;
  context_.refusals.tell("refused", client_.peer(), "a long line before the first valid request");
  return false;  // a browser must not be able to get commands in behind a long request line
}

bool Connection::refuse_foreign(wire::Foreign foreign) {
  context_.refusals.tell("refused", client_.peer(), wire::reason(foreign));
  foreign_ = foreign;
  return false;
}

Task<> Connection::until_room() {
  while (!has_room()) {
    room_.clear();
    co_await room_.wait();
  }
  co_await client_.writable();
}

// What waits for a place may hold max_line bytes and no batch items; finished replies, max_unsent bytes while
// they wait for their turn, and in batches what one batch may, so that a cancel of its last item is heard.
// Then no further line is taken, and TCP pushes back.
bool Connection::has_room() const {
  return waiting_bytes_ <= limits_.max_line && waiting_items_ == 0 && held_in_order_ <= limits_.max_unsent &&
         held_in_batches_ <= limits_.max_reply;
}

// ---------------------------------------------------------------- messages

bool Connection::take(wire::Message message, bool late) {
  if (auto* call = std::get_if<wire::Call>(&message)) return take_call(std::move(*call), late);
  if (auto* refusal = std::get_if<wire::Refusal>(&message)) return take_refusal(*refusal);
  if (auto* cancel = std::get_if<wire::Cancel>(&message)) {
    take_cancel(*cancel, destination_of(cancel->to));
    return true;
  }
  return take_batch(std::move(std::get<wire::Batch>(message)), late);
}

bool Connection::take_call(wire::Call call, bool late) {
  if (call.to.dialect == wire::Dialect::text && call.method == "quit" && call.arguments.empty()) {
    quit_ = call.to;
    return false;
  }
  Destination destination = destination_of(call.to);
  take_item(std::move(call), std::move(destination), late);
  return true;
}

void Connection::take_item(wire::Call call, Destination destination, bool late) {
  if (late) return deliver(destination, Answer::of(draining_error()));
  if (auto error = register_id(call.to)) return deliver(destination, Answer::of(*error));
  if (is_builtin(call)) {
    trust();
    return deliver(destination, answer_builtin(context_, *router_, client_.peer(), call));
  }
  begin(call, std::move(destination));
}

bool Connection::take_batch(wire::Batch batch, bool late) {
  auto run = std::make_shared<BatchRun>(batch, limits_.max_reply);
  if (run->reply.pending() == 0) {  // refused as a whole
    run->reply.write_to(client_.output());
    client_.sent();
    auto* refusal = std::get_if<wire::Refusal>(&batch.items.front());
    return !refusal || count_protocol_error(refusal->error);
  }
  for (std::size_t i = 0; i < batch.items.size(); ++i) {
    Destination destination{{wire::Dialect::jsonrpc, {}, false, false, false}, nullptr, run, i};
    if (auto* call = std::get_if<wire::Call>(&batch.items[i])) {
      destination.to = call->to;
      take_item(std::move(*call), std::move(destination), late);
    } else if (auto* cancel = std::get_if<wire::Cancel>(&batch.items[i])) {
      destination.to = cancel->to;
      take_cancel(*cancel, std::move(destination));
    }
  }
  return true;
}

void Connection::take_cancel(const wire::Cancel& cancel_message, Destination destination) {
  if (auto error = register_id(cancel_message.to)) return deliver(destination, Answer::of(*error));
  trust();
  bool found = cancel(cancel_message.target);
  deliver(destination, Answer::of(found ? "true" : "false"));
}

bool Connection::take_refusal(const wire::Refusal& refusal) {
  deliver(destination_of(refusal.to), Answer::of(refusal.error));
  return count_protocol_error(refusal.error);
}

bool Connection::count_protocol_error(const wire::Error& error) {
  using wire::Symbol;
  bool counts = error.symbol == Symbol::parse_error || error.symbol == Symbol::invalid_request ||
                error.symbol == Symbol::request_too_large;
  if (!counts || ++protocol_errors_ < limits_.max_protocol_errors) return true;
  context_.refusals.tell("refused", client_.peer(), "too many protocol errors in a row");
  return false;
}

void Connection::trust() {
  trusted_ = true;
  protocol_errors_ = 0;
}

// ---------------------------------------------------------------- requests

void Connection::begin(const wire::Call& call, Destination destination) {
  auto outbound = router_->request(call);
  if (auto* error = std::get_if<wire::Error>(&outbound)) return deliver(destination, Answer::of(*error));
  trust();
  if (context_.server->budget().full()) return deliver(destination, Answer::of(memory_error()));
  auto request = std::make_unique<Request>();
  request->destination = std::move(destination);
  request->outbound = std::move(std::get<OutboundRequest>(outbound));
  request->limits = CallLimits::from(call, context_.loop.now());
  const wire::ReplyTo& to = request->destination.to;
  if (to.dialect == wire::Dialect::jsonrpc && !to.notification) by_id_.emplace(to.id, request.get());
  client_.set_busy(true);
  if (waiting_.empty() && may_start()) return start(std::move(request));
  wait_for_place(std::move(request));
}

// JSON-RPC ids are compared as raw bytes; one that is in flight must not be used again.
std::optional<wire::Error> Connection::register_id(const wire::ReplyTo& to) {
  if (to.dialect != wire::Dialect::jsonrpc || to.notification || by_id_.count(to.id) == 0)
    return std::nullopt;
  return wire::Error{wire::Symbol::invalid_request, "a request with this id is still in flight", {}};
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
  auto answer = co_await dispatch(context_, client_, bodies_, request->outbound, request->limits);
  finish(*request, answer);
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
  auto found = by_id_.find(id);
  if (found == by_id_.end()) return false;
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
  log_access(request, answer);
  const wire::ReplyTo& to = request.destination.to;
  if (to.dialect == wire::Dialect::jsonrpc && !to.notification) by_id_.erase(to.id);
  if (request.running) --running_;
  deliver(request.destination, answer);
  start_waiting();
  if (running_ == 0 && waiting_.empty()) client_.set_busy(false);
}

bool Connection::Bodies::grow(std::size_t bytes) {
  if (connection.context_.server->budget().full()) return false;
  connection.client_.hold(bytes);
  return true;
}

void Connection::Bodies::shrink(std::size_t bytes) {
  connection.client_.let_go(bytes);
}

// ---------------------------------------------------------------- output

Connection::Destination Connection::destination_of(const wire::ReplyTo& to) {
  bool ordered = to.dialect == wire::Dialect::text && to.id.empty();
  return {to, ordered ? &order_.open() : nullptr, nullptr, 0};
}

void Connection::deliver(const Destination& destination, const Answer& answer) {
  if (destination.batch) return deliver_to_batch(destination, answer);
  if (destination.slot) return deliver_to_slot(destination, answer);
  write(client_.output(), destination.to, answer);
  client_.sent();
}

void Connection::deliver_to_slot(const Destination& destination, const Answer& answer) {
  ReplyOrder::Slot& slot = *destination.slot;
  if (order_.first(slot)) {
    write(client_.output(), destination.to, answer);
    hold(held_in_order_, -static_cast<std::ptrdiff_t>(order_.close(slot, client_.output())));
    client_.sent();
  } else {
    write(slot.line, destination.to, answer);
    slot.done = true;
    hold(held_in_order_, static_cast<std::ptrdiff_t>(ReplyOrder::held(slot)));
  }
}

void Connection::deliver_to_batch(const Destination& destination, const Answer& answer) {
  BatchRun& run = *destination.batch;
  if (answer.error) {
    run.reply.error(destination.index, *answer.error);
  } else {
    std::string line;
    json::append_minified(line, answer.json);
    run.reply.result(destination.index, line, answer.meta);
  }
  std::size_t now = run.reply.pending() == 0 ? 0 : run.reply.held();
  hold(held_in_batches_,
       static_cast<std::ptrdiff_t>(now) - static_cast<std::ptrdiff_t>(std::exchange(run.held, now)));
  if (run.reply.pending() > 0) return;
  run.reply.write_to(client_.output());
  client_.sent();
}

// Counts bytes of finished replies that cannot go out yet, in `held` and against the client.
void Connection::hold(std::size_t& held, std::ptrdiff_t bytes) {
  held += static_cast<std::size_t>(bytes);
  bytes < 0 ? client_.let_go(static_cast<std::size_t>(-bytes))
            : client_.hold(static_cast<std::size_t>(bytes));
  if (bytes < 0) start_waiting();
}

// Minifies straight into the output, unless the reply might be too large: then its true size decides.
void Connection::write(Buffer& out, const wire::ReplyTo& to, const Answer& answer) {
  if (to.notification) return;
  if (answer.error) return wire::write_error(out, to, *answer.error);
  if (wire::result_size(to, answer.json.size(), answer.meta.size()) <= limits_.max_reply) {
    wire::begin_result(out, to);
    json::append_minified(out, answer.json);
    wire::end_result(out, to, answer.meta);
    return;
  }
  std::string line;
  json::append_minified(line, answer.json);
  if (wire::result_size(to, line.size(), answer.meta.size()) <= limits_.max_reply) {
    return wire::write_result(out, to, line, answer.meta);
  }
  wire::Error error{wire::Symbol::reply_too_large,
                    "the reply has more than " + std::to_string(limits_.max_reply) + " bytes",
                    {}};
  error.number("limit", static_cast<long long>(limits_.max_reply));
  wire::write_error(out, to, error);
}

void Connection::log_access(const Request& request, const Answer& answer) const {
  AccessLog access = context_.config->log.access;
  if (access == AccessLog::off || (access == AccessLog::errors && !answer.error)) return;
  context_.log_call(client_.peer(), request.outbound, request.limits, answer);
}

}  // namespace linegate::daemon
