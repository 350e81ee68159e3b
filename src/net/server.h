// start_server(): listens, accepts, and runs a handler for each client (asyncio.start_server).
//
//   auto context = std::make_shared<Context>();
//   auto server = start_server(loop, {.listen = {"localhost:15555"}}, context, handle);
//
// The handler is any callable `Task<>(Client&, Context&)`, or `Task<>(Client&)` for a server without context;
// it is kept by the server, so a lambda's captures live as long as its coroutines. When it returns, what it
// wrote is flushed and the connection is closed. An exception that it lets escape ends that one client.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/compiler.h"
#include "coro/task_group.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "net/address.h"
#include "net/admission.h"
#include "net/budget.h"
#include "net/client.h"

struct sockaddr_storage;

namespace linegate {

class Listener;

struct ServerOptions {
  // "host:port", "[::1]:port", ":port" (all interfaces, IPv4 and IPv6), "unix:/path"; port 0 is any free one.
  std::vector<std::string> listen = {"127.0.0.1:0"};
  int backlog = 4096;
  unsigned unix_mode = 0660;
  ClientLimits client = {};
  Admission::Limits admission = {};
  std::size_t max_buffered = 256 * 1024 * 1024;  // bytes held for all clients together

  // The last words to a peer that is not admitted; empty = none.
  std::function<std::string(const Peer&, Admission::Verdict)> on_refused = {};
  // A client was ended by the server or by an error: why. For the log.
  std::function<void(const Client&, const char* reason)> on_dropped = {};
  // An exception escaped from a handler.
  std::function<void(std::exception_ptr)> on_error = {};
};

class Server final : Hook {
 public:
  using Handler = std::function<Task<>(Client&)>;

  // Listens on everything in options.listen, or throws (std::system_error; std::invalid_argument for
  // what is no address, or a name that nobody knows) and listens on nothing.
  Server(Loop& loop, ServerOptions options, std::shared_ptr<void> context, Handler handler);
  // Ends all clients at once.
  ~Server();

  // Where it listens: "127.0.0.1:41234", "[::]:15555", "unix:/path"; with the real port.
  std::vector<std::string> addresses() const;

  void stop_accepting();

  // Stops accepting, lets each client's complete lines be handled, and waits until all are gone or `limit` is
  // over; then ends what is left. True if nothing had to be ended.
  Task<bool> drain(Duration limit);

  bool draining() const { return draining_; }
  std::size_t connections() const { return admission_.count(); }
  Budget& budget() { return budget_; }

 private:
  friend class Client;
  friend class Listener;

  struct Sweep final : Timer {
    Sweep(Server& owner, Loop& loop) : Timer(loop.timers()), server(owner) {}
    void on_timer() override { server.sweep(); }
    Server& server;
  };
  struct Entry : Link {
    explicit Entry(Client& c) : client(c) {}
    Client& client;
  };

  TaskGroup::ErrorHandler error_handler();
  void listen(const std::string& where);
  void listen_unix(const Endpoint& endpoint);
  void listen_tcp(const Endpoint& endpoint);
  std::vector<Handle<Listener>> listen_on_all(const Endpoint& endpoint,
                                              std::vector<sockaddr_storage>& addresses);
  void accept(Listener& listener);
  void refuse(Handle<Client> client, Admission::Verdict verdict);
  Task<> serve(Handle<Client> client);
  Task<> see_off(Handle<Client> client);

  void mark_dirty(Client& client) { dirty_.push_back(client); }
  bool before_sleep() override;
  void left(Client& client);
  void dropped(const Client& client, const char* reason);
  void resume_accepting();
  void sweep();
  Duration sweep_interval() const;
  void shed();

  Loop& loop_;
  ServerOptions options_;
  std::shared_ptr<void> context_;
  Handler handler_;
  Admission admission_;
  Budget budget_;
  std::vector<Handle<Listener>> listeners_;
  List<Entry> clients_;
  List<DirtyClient> dirty_;
  Sweep sweep_;
  std::size_t seeing_off_ = 0;  // refused peers whose last words are on their way
  bool accepted_ = false;       // since drain() last looked
  bool draining_ = false;
  TaskGroup tasks_;  // last: its frames use everything above
};

template <typename Context, typename Handler>
std::unique_ptr<Server> start_server(Loop& loop, ServerOptions options, std::shared_ptr<Context> context,
                                     Handler handler) {
  auto kept = std::make_shared<Handler>(std::move(handler));  // std::function takes only what can be copied
  return std::make_unique<Server>(
      loop, std::move(options), context,
      [kept, &shared = *context](Client& client) { return (*kept)(client, shared); });
}

template <typename Handler>
std::unique_ptr<Server> start_server(Loop& loop, ServerOptions options, Handler handler) {
  auto kept = std::make_shared<Handler>(std::move(handler));
  return std::make_unique<Server>(loop, std::move(options), nullptr,
                                  [kept](Client& client) { return (*kept)(client); });
}

}  // namespace linegate
