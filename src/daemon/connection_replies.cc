// A connection's output: where each answer goes, when, and what is held until then.
#include <utility>

#include "daemon/connection.h"
#include "json/checker.h"

namespace linegate::daemon {
namespace {

template <typename Out>
void append(Out& out, const Answer& answer) {
  answer.minified() ? static_cast<void>(out.append(answer.json()))
                    : json::append_minified(out, answer.json());
}

}  // namespace

Connection::Destination Connection::destination_of(const wire::ReplyTo& to) {
  bool ordered = to.dialect == wire::Dialect::text && to.id.empty();
  return {to, ordered ? std::optional(order_.open()) : std::nullopt, nullptr, 0};
}

void Connection::deliver(const Destination& destination, const Answer& answer) {
  if (destination.batch) return deliver_to_batch(destination, answer);
  if (destination.turn) return deliver_in_turn(destination, answer);
  write(client_.output(), destination.to, answer);
  client_.sent();
}

void Connection::deliver_in_turn(const Destination& destination, const Answer& answer) {
  ReplyOrder::Turn turn = *destination.turn;
  if (order_.first(turn)) {
    write(client_.output(), destination.to, answer);
    hold(held_in_order_, -static_cast<std::ptrdiff_t>(order_.close(turn, client_.output())));
    client_.sent();
  } else {
    write(order_.line(turn), destination.to, answer);
    hold(held_in_order_, static_cast<std::ptrdiff_t>(order_.wait(turn)));
  }
}

void Connection::deliver_to_batch(const Destination& destination, const Answer& answer) {
  BatchRun& run = *destination.batch;
  if (answer.error) {
    run.reply.error(destination.index, *answer.error);
  } else {
    std::string line;
    append(line, answer);
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
  if (wire::result_size(to, answer.json().size(), answer.meta.size()) <= limits_.max_reply) {
    wire::begin_result(out, to);
    append(out, answer);
    wire::end_result(out, to, answer.meta);
    return;
  }
  std::string line;
  append(line, answer);
  if (wire::result_size(to, line.size(), answer.meta.size()) <= limits_.max_reply) {
    return wire::write_result(out, to, line, answer.meta);
  }
  wire::Error error{wire::Symbol::reply_too_large,
                    "the reply has more than " + std::to_string(limits_.max_reply) + " bytes",
                    {}};
  error.number("limit", static_cast<long long>(limits_.max_reply));
  wire::write_error(out, to, error);
}

void Connection::log_access(const OutboundRequest& outbound, const CallLimits& limits,
                            const Answer& answer) const {
  AccessLog access = context_.config->log.access;
  if (access == AccessLog::off || (access == AccessLog::errors && !answer.error)) return;
  context_.log_call(client_.peer(), outbound, limits, answer);
}

}  // namespace linegate::daemon
