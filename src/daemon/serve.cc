#include "daemon/serve.h"

#include <unistd.h>

#include <csignal>
#include <exception>
#include <system_error>
#include <utility>

#include "base/units.h"
#include "coro/task_group.h"
#include "daemon/connection.h"
#include "daemon/context.h"
#include "daemon/descriptors.h"
#include "daemon/log.h"
#include "json/quote.h"
#include "loop/signals.h"
#include "loop/sleep.h"
#include "net/server.h"
#include "wire/reply.h"

namespace linegate::daemon {
namespace {

constexpr Duration kPortPatience = 2s;  // the process that we replace may still hold the port
constexpr Duration kPortRetry = 50ms;

std::size_t upstream_places(const Config& config) {
  std::size_t places = 0;
  for (const UpstreamConfig& upstream : config.upstreams) places += upstream.max_in_flight;
  return places;
}

std::string last_words(Admission::Verdict verdict) {
  bool forbidden = verdict == Admission::Verdict::forbidden;
  wire::Error error{forbidden ? wire::Symbol::forbidden : wire::Symbol::overloaded, {}, {}};
  error.message = forbidden ? "your address is not in server.allow_from"
                  : verdict == Admission::Verdict::too_many_from_address
                      ? "too many connections from your address"
                      : "too many connections";
  if (!forbidden) error.text("reason", "connections");
  Buffer line;
  wire::write_error(line, wire::ReplyTo{}, error);
  return std::string(line.view());
}

ServerOptions to_options(Context& context, std::size_t max_connections) {
  const ServerConfig& server = context.config->server;
  ServerOptions options;
  options.listen.clear();
  for (const auto& address : server.listen) options.listen.push_back(address.text);
  options.backlog = static_cast<int>(server.backlog);
  options.unix_mode = server.unix_mode;
  options.client.max_line = server.max_line;
  options.client.max_unsent = server.max_unsent;
  options.client.idle_timeout = server.idle_timeout;
  options.client.partial_line_timeout = server.partial_line_timeout;
  options.client.write_timeout = server.write_timeout;
  options.admission = {max_connections, server.max_connections_per_ip, server.allow_from};
  options.max_buffered = server.max_buffered;
  options.on_refused = [&context](const Peer& peer, Admission::Verdict verdict) {
    bool forbidden = verdict == Admission::Verdict::forbidden;
    context.refusals.tell("refused", peer, forbidden ? "not in allow_from" : "too many connections");
    return last_words(verdict);
  };
  options.on_dropped = [&context](const Client& client, const char* reason) {
    context.refusals.tell("closed", client.peer(), reason);
  };
  options.on_error = log_exception;
  return options;
}

std::size_t fitted_connections(const Config& config) {
  std::size_t wanted = config.server.max_connections;
  std::size_t fitted = fit_connections(wanted, upstream_places(config));
  if (fitted < wanted) {
    log_warning("the limit of open files allows " + std::to_string(fitted) + " of " + std::to_string(wanted) +
                " connections; raise it (ulimit -n) or lower server.max_connections");
  }
  return fitted;
}

// Null if it cannot listen; why has been logged.
Task<std::unique_ptr<Server>> listen(Loop& loop, std::shared_ptr<Context> context,
                                     std::size_t max_connections) {
  for (Time end = Clock::now() + kPortPatience;;) {
    try {
      co_return start_server(loop, to_options(*context, max_connections), context, converse);
    } catch (const std::system_error& error) {
      bool again = error.code() == std::errc::address_in_use && Clock::now() < end;
      if (!again) {
        log_error(error.what());
        co_return nullptr;
      }
    }
    co_await sleep(loop, kPortRetry);
  }
}

Task<> exit_at_next(Signals& signals) {
  auto number = co_await signals.next();
  log_warning("a second signal: ending at once");
  flush_log();
  _exit(128 + number);
}

// Requests that were sent, must not be repeated and have lost their client run to their end.
Task<> settle(Context& context) {
  for (auto& upstream : context.upstreams) co_await upstream->settled();
}

Task<int> serve_until_signal(Loop& loop, std::shared_ptr<Context> context, const OnReady& on_ready) {
  Signals signals(loop, {SIGTERM, SIGINT});
  std::size_t max_connections = fitted_connections(*context->config);
  if (max_connections == 0) {
    log_error("the limit of open files is too low for the upstreams' connections and even one client");
    co_return 1;
  }
  auto server = co_await listen(loop, context, max_connections);
  if (!server) co_return 1;
  context->server = server.get();
  for (const std::string& address : server->addresses()) announce("listening on " + address);
  if (on_ready) on_ready(server->addresses());
  announce("ready");

  auto number = co_await signals.next();
  log_info(std::string(number == SIGTERM ? "SIGTERM" : "SIGINT") + ": finishing " +
           std::to_string(context->in_flight) + " calls of " + std::to_string(server->connections()) +
           " connections");
  TaskGroup impatience(loop.queue());
  impatience.spawn(exit_at_next(signals));
  Time end = time_after(Clock::now(), context->config->server.drain_timeout);
  auto all_done = co_await server->drain(context->config->server.drain_timeout);
  auto settled = co_await with_timeout(loop, end - Clock::now(), settle(*context));
  if (!all_done || !settled) log_warning("drain_timeout is over: ending what is left");
  context->server = nullptr;  // it goes first; bodies that are still on their way are charged to nobody
  co_return 0;
}

void warn_if_open(const ServerConfig& server) {
  for (const auto& address : server.listen) {
    if (address.is_local() || !server.allow_from.empty()) continue;
    log_warning("serves anybody who can reach " + address.text + " (server.allow_unauthenticated = true)");
  }
}

int serve_context(Loop& loop, std::shared_ptr<const Config> config, const OnReady& on_ready) {
  try {
    auto context = std::make_shared<Context>(loop, std::move(config));
    return loop.run(serve_until_signal(loop, context, on_ready));
  } catch (const std::exception& error) {
    log_error(error.what());
    return 1;
  }
}

}  // namespace

int serve(Loop& loop, std::shared_ptr<const Config> config, const OnReady& on_ready) {
  warn_if_open(config->server);
  int code = serve_context(loop, std::move(config), on_ready);
  flush_log();
  if (loop.abandoned()) _exit(code);  // a hanging name lookup: exit() would wait for it
  return code;
}

}  // namespace linegate::daemon
