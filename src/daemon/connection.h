// One client's conversation: reads its lines, runs its requests, writes its replies. At most max_in_flight
// requests run at a time; replies keep the order that protocol.md section 4 gives them. Lives in the frame of
// the client's handler: when a reset cancels that, everything here ends with it. Ten thousand idle ones are
// usual, so what few of them need takes memory when it is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/compiler.h"
#include "base/link.h"
#include "coro/event.h"
#include "coro/task.h"
#include "coro/task_group.h"
#include "daemon/answer.h"
#include "daemon/context.h"
#include "daemon/dispatch.h"
#include "daemon/reply_order.h"
#include "daemon/router.h"
#include "http/body_budget.h"
#include "net/client.h"
#include "wire/message.h"
#include "wire/reply.h"
#include "wire/sniff.h"

namespace linegate::daemon {

// The handler that start_server() gets.
Task<> converse(Client& client, Context& context);

class Connection final {
 public:
  Connection(Client& client, Context& context);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

 private:
  friend Task<> converse(Client& client, Context& context);

  // A batch whose items are not all answered.
  struct BatchRun {
    BatchRun(const wire::Batch& batch, std::size_t max_reply) : reply(batch, max_reply) {}
    wire::BatchReply reply;
    std::size_t held = 0;  // bytes the client was charged for the answers so far
  };

  // Where an answer goes: to a line of its own, at its turn or at once, or into a batch's array.
  struct Destination {
    wire::ReplyTo to;
    std::optional<ReplyOrder::Turn> turn;
    std::shared_ptr<BatchRun> batch;
    std::size_t index = 0;
  };

  // A call that waits for a place (in waiting_, which owns it) or runs (its task's frame owns it).
  struct Request : Link {
    Destination destination;
    OutboundRequest outbound;
    CallLimits limits;
    std::size_t bytes = 0;  // charged to the client while it waits
    TaskGroup::Ref task;    // that runs it, or ends its waiting
    bool running = false;
    bool may_expire = false;  // while it waits
  };

  // What is looked at next: a connection's first byte or two (TLS and Telnet have no lines to wait for), the
  // beginning of a line (a long one shows what it is before its end), or a line.
  enum class Look : std::uint8_t { first_byte, two_bytes, head, line };

  // What tasks_ tells of.
  static void give_up(void* connection, std::exception_ptr error);

  // ---- input; those that return bool say whether to go on
  std::size_t bytes_to_peek() const;
  bool take_start(std::string_view bytes);
  bool take_head(std::string_view bytes);
  bool take_line(const Line& line);
  bool take_whole_line(const Line& line);
  bool take_known(std::string_view text);
  bool take_too_long(std::string_view line);
  bool refuse_foreign(wire::Foreign foreign);
  bool must_wait() const { return !has_room() || client_.unsent() > limits_.max_unsent; }
  Task<> until_room();
  bool has_room() const;
  void say_goodbye();

  // ---- messages; each returns false when the conversation is over
  bool take(const wire::Message& message, const Line& line);
  bool take_call(const wire::Call& call, const Line& line);
  bool take_batch(const wire::Batch& batch, const Line& line);
  void take_cancel(const wire::Cancel& cancel, Destination destination);
  bool take_refusal(const wire::Refusal& refusal);
  void take_item(const wire::Call& call, Destination destination, const Line& line);
  bool count_protocol_error(const wire::Error& error);
  void trust();

  // ---- requests
  void begin(const wire::Call& call, Destination destination, std::string_view line);
  std::optional<wire::Error> register_id(const wire::ReplyTo& to);
  void remember_id(std::string_view id, Request& request);
  bool may_start() const;
  void start(std::unique_ptr<Request> request);
  Task<> run_request(std::unique_ptr<Request> request);
  Task<> start_when_writable();
  void wait_for_place(std::unique_ptr<Request> request);
  Task<> expire(Request& request);
  std::unique_ptr<Request> take_out(Request& request);
  void start_waiting();
  bool cancel(std::string_view id);
  void finish(Request& request, const Answer& answer);

  // ---- output
  Destination destination_of(const wire::ReplyTo& to);
  void deliver(const Destination& destination, const Answer& answer);
  void deliver_in_turn(const Destination& destination, const Answer& answer);
  void deliver_to_batch(const Destination& destination, const Answer& answer);
  void hold(std::size_t& held, std::ptrdiff_t bytes);
  void write(Buffer& out, const wire::ReplyTo& to, const Answer& answer);
  void log_access(const OutboundRequest& outbound, const CallLimits& limits, const Answer& answer) const;

  Client& client_;
  Context& context_;
  const ServerConfig& limits_;
  std::shared_ptr<const Router> router_;  // a running conversation keeps its routes

  ReplyOrder order_;
  std::size_t held_in_order_ = 0;    // bytes of replies that wait for their turn
  std::size_t held_in_batches_ = 0;  // and of those that wait for the rest of their batch
  List<Request> waiting_;            // for a place, first come first served
  std::size_t waiting_bytes_ = 0;
  std::uint32_t waiting_items_ = 0;  // of batches
  std::uint32_t running_ = 0;
  using Ids = std::unordered_map<std::string_view, Request*>;  // keys point into the requests
  std::unique_ptr<Ids> by_id_;                   // JSON-RPC ids in flight; null before the first
  std::unique_ptr<wire::ReplyTo> quit_;          // answered when everything before it is
  std::uint32_t protocol_errors_ = 0;            // in a row
  wire::Foreign foreign_ = wire::Foreign::none;  // what it turned out to be
  Look look_ = Look::first_byte;
  bool first_line_ = true;
  bool trusted_ = false;  // has had one valid request
  bool waits_writable_ = false;
  Event room_;       // another line may be read
  TaskGroup tasks_;  // last: its frames use everything above
};

}  // namespace linegate::daemon
