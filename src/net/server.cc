#include "net/server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "loop/sleep.h"
#include "net/listener.h"

namespace linegate {
namespace {

constexpr unsigned kKeepAlive = 60;         // seconds
constexpr std::size_t kSeenOffAtOnce = 64;  // refused peers that get more than one try at reading why

// nullopt if the peer has gone already.
std::optional<Peer> peer_of(uv_handle_t* handle) {
  if (handle->type == UV_NAMED_PIPE) return Peer{};
  sockaddr_storage storage{};
  int size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (uv_tcp_getpeername(reinterpret_cast<uv_tcp_t*>(handle), address, &size) < 0) return std::nullopt;
  return Peer::from(address);
}

void set_port(sockaddr* address, std::uint16_t port) {
  if (address->sa_family == AF_INET) reinterpret_cast<sockaddr_in*>(address)->sin_port = htons(port);
  if (address->sa_family == AF_INET6) reinterpret_cast<sockaddr_in6*>(address)->sin6_port = htons(port);
}

using SocketAddresses = std::vector<sockaddr_storage>;

bool contains(const SocketAddresses& addresses, const sockaddr_storage& one) {
  return std::any_of(addresses.begin(), addresses.end(),
                     [&](const auto& other) { return std::memcmp(&one, &other, sizeof one) == 0; });
}

// All addresses that `host` stands for; for "" first the one that takes IPv6 and IPv4 together, then IPv4's.
SocketAddresses resolve_for_listening(const Endpoint& endpoint) {
  SocketAddresses addresses;
  if (endpoint.host.empty()) {
    addresses.resize(2);
    addresses[0].ss_family = AF_INET6;  // zeroes: in6addr_any
    addresses[1].ss_family = AF_INET;
    return addresses;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (int rc = getaddrinfo(endpoint.host.c_str(), nullptr, &hints, &found); rc != 0) {
    throw std::invalid_argument(gai_strerror(rc));
  }
  for (addrinfo* one = found; one; one = one->ai_next) {
    sockaddr_storage address{};
    std::memcpy(&address, one->ai_addr, one->ai_addrlen);
    if (!contains(addresses, address)) addresses.push_back(address);  // /etc/hosts may name one twice
  }
  freeaddrinfo(found);
  return addresses;
}

// The kernel, or this host, has no IPv6: not an error while IPv4 is there.
bool has_no_such_family(const std::system_error& error) {
  int code = error.code().value();
  return code == EAFNOSUPPORT || code == EADDRNOTAVAIL || code == EPROTONOSUPPORT;
}

std::uint16_t port_of(const std::string& address) {
  return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

}  // namespace

Server::Server(Loop& loop, ServerOptions options, std::shared_ptr<void> context, Handler handler)
    : loop_(loop),
      options_(std::move(options)),
      context_(std::move(context)),
      handler_(std::move(handler)),
      admission_(options_.admission),
      budget_(options_.max_buffered),
      sweep_(*this, loop),
      tasks_(loop, error_handler()) {
  for (const std::string& where : options_.listen) listen(where);
  loop.add(*this, Loop::Stage::flush);
}

Server::~Server() {
  stop_accepting();
}  // so that a place that a client leaves is not given to the next

TaskGroup::ErrorHandler Server::error_handler() {
  if (!options_.on_error) return {TaskGroup::print_error, nullptr};
  return {[](void* server, std::exception_ptr error) {
            static_cast<Server*>(server)->options_.on_error(std::move(error));
          },
          this};
}

// ---------------------------------------------------------------- listening

void Server::listen(const std::string& where) {
  auto endpoint = parse_endpoint(where);
  try {
    if (!endpoint) throw std::invalid_argument("it is not HOST:PORT, [IPV6]:PORT, :PORT or unix:/PATH");
    endpoint->is_unix() ? listen_unix(*endpoint) : listen_tcp(*endpoint);
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), "cannot listen on " + where);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument("cannot listen on " + where + ": " + error.what());
  }
}

void Server::listen_unix(const Endpoint& endpoint) {
  auto listener = Listener::bind_unix(loop_, *this, endpoint.path, options_.unix_mode);
  listener->listen(options_.backlog);
  listeners_.push_back(std::move(listener));
}

void Server::listen_tcp(const Endpoint& endpoint) {
  constexpr int kTries = 8;  // for port 0: the port that the first address got may be taken on the second
  auto addresses = resolve_for_listening(endpoint);
  for (int tries = 1;; ++tries) {
    try {
      auto found = listen_on_all(endpoint, addresses);
      std::move(found.begin(), found.end(), std::back_inserter(listeners_));
      return;
    } catch (const std::system_error& error) {
      bool again = endpoint.port == 0 && error.code().value() == EADDRINUSE && tries < kTries;
      if (!again) throw;
    }
  }
}

// One port on all addresses of a name, without those whose family this host does not have.
std::vector<Handle<Listener>> Server::listen_on_all(const Endpoint& endpoint,
                                                    std::vector<sockaddr_storage>& addresses) {
  std::vector<Handle<Listener>> found;
  std::uint16_t port = endpoint.port;
  for (auto& storage : addresses) {
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    set_port(address, port);
    try {
      auto listener = Listener::bind_tcp(loop_, *this, address);
      listener->listen(options_.backlog);
      port = port_of(listener->address());
      found.push_back(std::move(listener));
      if (endpoint.host.empty()) break;  // [::] takes IPv4 too
    } catch (const std::system_error& error) {
      bool last = &storage == &addresses.back();
      if (!has_no_such_family(error) || (last && found.empty())) throw;
    }
  }
  return found;
}

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> texts;
  for (const auto& listener : listeners_) texts.push_back(listener->address());
  return texts;
}

// ---------------------------------------------------------------- accepting

void Server::accept(Listener& listener) {
  accepted_ = true;
  listener.waiting = admission_.at_cap();
  if (listener.waiting) return;  // not accepting is how libuv is told to pause
  Handle<Client> client(new Client(loop_, options_.client, budget_, listener.family()));
  if (uv_accept(listener.stream(), &client->handle_.stream) < 0) return;
  if (listener.family() != Peer::Family::local) {
    uv_tcp_nodelay(&client->handle_.tcp, 1);
    uv_tcp_keepalive(&client->handle_.tcp, 1, kKeepAlive);
  }
  auto peer = peer_of(client->uv_handle());
  if (!peer) return;
  client->peer_ = *peer;
  client->server_ = this;
  auto verdict = admission_.enter(client->peer_);
  if (verdict != Admission::Verdict::admitted) return refuse(std::move(client), verdict);
  client->admitted_ = true;
  client->context_ = context_.get();
  client->start_reading();  // not at the first read: a reset is to be seen at once, and what came before a
                            // drain
  tasks_.spawn(serve(std::move(client)));
}

void Server::refuse(Handle<Client> client, Admission::Verdict verdict) {
  if (options_.on_refused) client->send(options_.on_refused(client->peer_, verdict));
  client->flush();
  if (seeing_off_ == kSeenOffAtOnce) return;
  ++seeing_off_;
  tasks_.spawn(see_off(std::move(client)));
}

Task<> Server::see_off(Handle<Client> client) {
  co_await client->finish();
  --seeing_off_;
}

Task<> Server::serve(Handle<Client> client) {
  Entry entry(*client);
  clients_.push_back(entry);
  if (!sweep_.armed()) sweep_.arm(loop_.now() + sweep_interval());
  if (draining_) client->drain();  // it was accepted in the last moment
  {
    TaskGroup handler(loop_, error_handler());
    client->handler_ = &handler;
    handler.spawn(handler_(*client));
    co_await handler.join();
    client->handler_ = nullptr;
  }
  co_await client->finish();
}

void Server::left(Client& client) {
  if (clients_.empty()) sweep_.cancel();
  if (!client.admitted_) return;
  admission_.left(client.peer_);
  if (admission_.below_resume()) resume_accepting();
}

void Server::resume_accepting() {
  for (auto& listener : listeners_) {
    if (listener->waiting) accept(*listener);
  }
}

void Server::stop_accepting() {
  listeners_.clear();
}

void Server::dropped(const Client& client, const char* reason) {
  if (options_.on_dropped) options_.on_dropped(client, reason);
}

// ---------------------------------------------------------------- once per iteration, and now and then

bool Server::before_sleep() {
  if (budget_.burst()) shed();
  if (dirty_.empty()) return false;
  List<DirtyClient> now;
  now.take(dirty_);
  while (!now.empty()) static_cast<Client&>(now.pop_front()).flush();
  return true;
}

// Above the memory budget's burst the client that holds most goes, so that one cannot take it from all.
void Server::shed() {
  Client* most = nullptr;
  clients_.for_each([&](Entry& entry) {
    bool more = !entry.client.lost() && (!most || entry.client.held() > most->held());
    if (more) most = &entry.client;
  });
  if (most) most->abort("it holds the most memory of all, and together they hold too much");
}

void Server::sweep() {
  clients_.for_each([now = loop_.now()](Entry& entry) { entry.client.sweep(now); });
  if (!clients_.empty()) sweep_.arm(loop_.now() + sweep_interval());
}

Duration Server::sweep_interval() const {
  const ClientLimits& limits = options_.client;
  Duration shortest = std::min({limits.idle_timeout, limits.partial_line_timeout, limits.write_timeout});
  return std::clamp<Duration>(shortest / 4, 10ms, 1s);
}

// ---------------------------------------------------------------- the end

Task<bool> Server::drain(Duration limit) {
  // What is already in the kernel belongs to those who came in time: read it, and empty the accept queues.
  Time end = time_after(Clock::now(), limit);
  for (int i = 0; i < 50; ++i) {
    accepted_ = false;
    co_await sleep(loop_, 1ms);
    if (!accepted_) break;
  }
  stop_accepting();
  draining_ = true;
  clients_.for_each([](Entry& entry) { entry.client.drain(); });
  auto all_gone = [](TaskGroup& tasks) -> Task<> { co_await tasks.join(); };
  auto done = co_await with_timeout(loop_, end - Clock::now(), all_gone(tasks_));
  if (!done) tasks_.cancel();
  co_return done;
}

}  // namespace linegate
