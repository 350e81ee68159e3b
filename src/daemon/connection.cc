// A connection's input: lines, what they turn out to be, and the messages in them.
#include "daemon/connection.h"

#include <utility>
#include <variant>

#include "daemon/builtins.h"
#include "daemon/log.h"
#include "wire/parse.h"

namespace linegate::daemon {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view without_byte_order_mark(std::string_view bytes) {
  if (bytes.substr(0, kByteOrderMark.size()) == kByteOrderMark) bytes.remove_prefix(kByteOrderMark.size());
  return bytes;
}

wire::Error draining_error() {
  wire::Error error{wire::Symbol::unavailable, "the server is shutting down", {}};
  error.text("reason", "draining");
  return error;
}

}  // namespace

// Until the end of input, `quit`, or a refusal that closes; all requests are answered by then.
Task<> converse(Client& client, Context& context) {
  Connection connection(client, context);
  for (bool on = true; on;) {
    if (std::size_t n = connection.bytes_to_peek(); n > 0) {
      auto bytes = co_await client.peek_line(n);
      on = bytes && connection.take_head(*bytes);
      continue;
    }
    auto line = co_await client.read_line();
    on = line && connection.take_line(*line);
    if (on && connection.must_wait()) co_await connection.until_room();
  }
  co_await connection.tasks_.join();
  connection.say_goodbye();
}

Connection::Connection(Client& client, Context& context)
    : client_(client),
      context_(context),
      limits_(context.config->server),
      router_(context.router),
      room_(context.loop.queue()),
      tasks_(context.loop.queue(), {give_up, this}) {
  room_.set();
}

// A request ended with an exception, which is a bug: its reply will never come, so its client must not wait
// for it.
void Connection::give_up(void* connection, std::exception_ptr error) {
  log_exception(error);
  static_cast<Connection*>(connection)->client_.abort("one of its requests ended with an exception");
}

Connection::~Connection() {
  while (!waiting_.empty()) delete &waiting_.pop_front();
}

// ---------------------------------------------------------------- input

// 0: a whole line is to be read.
std::size_t Connection::bytes_to_peek() const {
  switch (look_) {
    case Look::first_byte:
      return 1;
    case Look::two_bytes:
      return 2;
    case Look::head:
      return wire::kSniffBytes;
    case Look::line:
      break;
  }
  return 0;
}

bool Connection::take_start(std::string_view bytes) {
  auto known = bytes.empty() ? wire::Foreign::none : wire::sniff_start(bytes);
  bool undecided = !known && look_ == Look::first_byte;
  look_ = undecided ? Look::two_bytes : Look::head;
  auto foreign = known.value_or(wire::Foreign::none);
  return foreign == wire::Foreign::none || refuse_foreign(foreign);
}

bool Connection::take_head(std::string_view bytes) {
  if (look_ != Look::head) return take_start(bytes);
  look_ = Look::line;
  auto foreign = wire::sniff_partial(without_byte_order_mark(bytes));
  return foreign == wire::Foreign::none || refuse_foreign(foreign);
}

bool Connection::take_line(const Line& line) {
  bool on = take_whole_line(line);
  look_ = trusted_ ? Look::line : Look::head;
  return on;
}

bool Connection::take_whole_line(const Line& line) {
  std::string_view text = line;
  if (first_line_) text = without_byte_order_mark(text);
  if (line.too_long) return take_too_long(text);
  if (wire::is_blank(text)) return true;
  auto foreign = trusted_ ? wire::sniff_later_line(text) : wire::sniff_line(text, first_line_);
  first_line_ = false;
  if (foreign != wire::Foreign::none) return refuse_foreign(foreign);
  if (!line.late && take_known(text)) return true;
  return take(wire::parse(text, context_.jsonrpc_limits), line);
}

// A line that was answered from the cache before, and can be again. Whoever logs every call wants to see it
// taken apart.
bool Connection::take_known(std::string_view text) {
  bool at_once = waiting_.empty() && may_start() && !context_.server->budget().full();
  if (!at_once || context_.config->log.access == AccessLog::all) return false;
  auto answer = answer_from_memo(context_, text);
  if (!answer) return false;
  trust();
  deliver(destination_of({}), *answer);
  return true;
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

void Connection::say_goodbye() {
  if (quit_) deliver(destination_of(*quit_), Answer::of("null"));
  client_.send(wire::farewell(foreign_));
}

// What waits for a place may hold max_line bytes and no batch items; finished replies, max_unsent bytes while
// they wait for their turn, and in batches what one batch may, so that a cancel of its last item is heard.
// Then no further line is taken, and TCP pushes back.
bool Connection::has_room() const {
  return waiting_bytes_ <= limits_.max_line && waiting_items_ == 0 && held_in_order_ <= limits_.max_unsent &&
         held_in_batches_ <= limits_.max_reply;
}

// ---------------------------------------------------------------- messages

bool Connection::take(const wire::Message& message, const Line& line) {
  if (auto* call = std::get_if<wire::Call>(&message)) return take_call(*call, line);
  if (auto* refusal = std::get_if<wire::Refusal>(&message)) return take_refusal(*refusal);
  if (auto* cancel = std::get_if<wire::Cancel>(&message)) {
    take_cancel(*cancel, destination_of(cancel->to));
    return true;
  }
  return take_batch(std::get<wire::Batch>(message), line);
}

bool Connection::take_call(const wire::Call& call, const Line& line) {
  if (call.to.dialect == wire::Dialect::text && call.method == "quit" && call.arguments.empty()) {
    quit_ = std::make_unique<wire::ReplyTo>(call.to);
    return false;
  }
  take_item(call, destination_of(call.to), line);
  return true;
}

void Connection::take_item(const wire::Call& call, Destination destination, const Line& line) {
  if (line.late) return deliver(destination, Answer::of(draining_error()));
  if (auto error = register_id(call.to)) return deliver(destination, Answer::of(*error));
  if (is_builtin(call)) {
    trust();
    return deliver(destination, answer_builtin(context_, *router_, client_.peer(), call));
  }
  begin(call, std::move(destination), line);
}

bool Connection::take_batch(const wire::Batch& batch, const Line& line) {
  auto run = std::make_shared<BatchRun>(batch, limits_.max_reply);
  if (run->reply.pending() == 0) {  // refused as a whole
    run->reply.write_to(client_.output());
    client_.sent();
    auto* refusal = std::get_if<wire::Refusal>(&batch.items.front());
    return !refusal || count_protocol_error(refusal->error);
  }
  for (std::size_t i = 0; i < batch.items.size(); ++i) {
    Destination destination{{wire::Dialect::jsonrpc, {}, false, false, false}, std::nullopt, run, i};
    if (auto* call = std::get_if<wire::Call>(&batch.items[i])) {
      destination.to = call->to;
      take_item(*call, std::move(destination), line);
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

}  // namespace linegate::daemon
