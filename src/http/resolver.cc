#include "http/resolver.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace linegate {

struct Resolver::Entry : Link {  // in urgent_ or refresh_ while it waits for a thread
  struct Failure {
    std::string address;
    Time until;
  };

  explicit Entry(std::string_view name) : host(name) {}
  bool busy() const { return looking_up || linked() || !waiting.empty(); }

  std::string host;
  Addresses addresses;            // the last good answer, in getaddrinfo's order
  Addresses ordered;              // the same as last handed out, while something failed
  std::vector<Failure> failures;  // at most one per address
  Time checked{};                 // when the last lookup ended, well or not
  Time used{};
  bool literal = false;
  bool looking_up = false;
  List<Waiter> waiting;  // Answers
};

// A heap block, since a running lookup outlives a Resolver that is destroyed.
struct Resolver::Query : Link {
  uv_work_t work{};
  Resolver* owner = nullptr;  // nullptr = nobody wants the answer any more
  Entry* entry = nullptr;     // lives while `owner` does: busy entries are not forgotten
  bool refresh = false;
  ResolverOptions::Lookup lookup;
  std::string host;
  int rc = 0;
  int system_error = 0;
  addrinfo* found = nullptr;
  std::atomic<bool> returned = false;

  static Query& from(uv_work_t* work) { return *static_cast<Query*>(work->data); }
  ~Query() {
    if (found) ::freeaddrinfo(found);
  }
  void run();
  std::string error() const;
  Addresses addresses() const;
};

// Destroying it takes the Waiter out of the entry's list; the lookup goes on without it.
class Resolver::Answer : public Waiter {
 public:
  Answer(Resolver& resolver, Entry& entry) : resolver_(resolver), entry_(entry) {}
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    frame = handle;
    entry_.waiting.push_back(*this);
    resolver_.want(entry_, true);
  }
  Resolution await_resume() { return std::move(resolution); }

  Resolution resolution;

 private:
  Resolver& resolver_;
  Entry& entry_;
};

namespace {

std::optional<std::string> literal(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  std::string text(host);
  in6_addr bytes;  // the larger one
  bool numeric =
      ::inet_pton(AF_INET, text.c_str(), &bytes) == 1 || ::inet_pton(AF_INET6, text.c_str(), &bytes) == 1;
  if (!numeric) return std::nullopt;
  return text;
}

// What getaddrinfo() would cut or refuse anyway (RFC 1035, 2.3.4: 255 octets).
bool is_name(std::string_view host) {
  return !host.empty() && host.size() <= 255 && host.find('\0') == host.npos;
}

std::string text_of(const addrinfo& found) {
  char text[NI_MAXHOST];
  int rc = ::getnameinfo(found.ai_addr, found.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return rc == 0 ? text : "";
}

}  // namespace

// ---- one lookup, in a thread of the pool

void Resolver::Query::run() {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
#ifdef AI_IDN
  hints.ai_flags |= AI_IDN;
#endif
  rc = lookup(host.c_str(), nullptr, &hints, &found);
  system_error = errno;
  returned = true;
}

std::string Resolver::Query::error() const {
  if (rc == 0) return found ? "" : "the name has no address";
  return rc == EAI_SYSTEM ? std::strerror(system_error) : ::gai_strerror(rc);
}

Addresses Resolver::Query::addresses() const {
  Addresses all;
  for (const addrinfo* next = found; next && all.size() < kMostAddresses; next = next->ai_next) {
    std::string address = text_of(*next);
    if (!address.empty() && std::find(all.begin(), all.end(), address) == all.end())
      all.push_back(std::move(address));
  }
  return all;
}

// ---- the names

Resolver::Resolver(Loop& loop, ResolverOptions options) : loop_(loop), options_(std::move(options)) {}

Resolver::~Resolver() {
  while (!running_.empty()) {
    Query& query = running_.pop_front();
    query.owner = nullptr;
    bool cancelled = uv_cancel(reinterpret_cast<uv_req_t*>(&query.work)) == 0;
    if (!cancelled && !query.returned) loop_.abandon();
  }
}

Resolver::Entry* Resolver::find(std::string_view host) {
  auto found = entries_.find(host);
  return found == entries_.end() ? nullptr : found->second.get();
}

Resolver::Entry& Resolver::entry(std::string_view host) {
  if (Entry* known = find(host)) return *known;
  if (entries_.size() >= kMostHosts) forget_one();
  return *entries_.emplace(host, std::make_unique<Entry>(host)).first->second;
}

void Resolver::forget_one() {
  auto oldest = entries_.end();
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (it->second->busy()) continue;
    if (oldest == entries_.end() || it->second->used < oldest->second->used) oldest = it;
  }
  if (oldest != entries_.end()) entries_.erase(oldest);
}

const Addresses* Resolver::cached(std::string_view host) {
  Entry* known = find(host);
  if (!known) {
    auto address = literal(host);
    if (!address) return nullptr;
    known = &entry(host);
    known->literal = true;
    known->addresses = {*address};
  }
  Time now = options_.clock();
  if (known->addresses.empty()) return nullptr;
  if (!known->literal && now - known->checked >= options_.refresh) {
    if (now - known->used >= options_.refresh)
      return nullptr;  // it lay idle: an address may have moved long ago
    want(*known, false);
  }
  known->used = now;
  return in_order(*known);
}

Task<Resolution> Resolver::resolve(std::string host) {
  const Addresses* known = cached(host);
  if (known) co_return Resolution{*known, {}};
  if (!is_name(host)) co_return Resolution{{}, "not a host name"};
  Entry& name = entry(host);
  name.used = options_.clock();
  Resolution resolution = co_await Answer(*this, name);
  co_return resolution;
}

const Addresses* Resolver::in_order(Entry& entry) {
  Time now = options_.clock();
  std::erase_if(entry.failures, [now](const Entry::Failure& failure) { return failure.until <= now; });
  if (entry.failures.empty()) return &entry.addresses;
  auto avoided_until = [&entry](const std::string& address) {
    for (const Entry::Failure& failure : entry.failures) {
      if (failure.address == address) return failure.until;
    }
    return Time{};
  };
  entry.ordered = entry.addresses;
  std::stable_sort(entry.ordered.begin(), entry.ordered.end(),
                   [&](auto& a, auto& b) { return avoided_until(a) < avoided_until(b); });
  return &entry.ordered;
}

void Resolver::failed(std::string_view host, std::string_view address, Time now) {
  Entry* known = find(host);
  if (!known) return;
  auto& all = known->addresses;
  if (std::find(all.begin(), all.end(), address) == all.end()) return;
  std::erase_if(known->failures, [&](const Entry::Failure& failure) { return failure.address == address; });
  known->failures.push_back({std::string(address), now + options_.avoid});
}

// ---- the lookups

void Resolver::want(Entry& entry, bool urgent) {
  if (entry.looking_up) return;
  if (urgent) {
    urgent_.push_back(entry);  // leaves refresh_ if it was there
  } else if (!entry.linked()) {
    refresh_.push_back(entry);
  }
  start_next();
}

void Resolver::start_next() {
  while (in_pool_ < kAtOnce && !urgent_.empty()) {
    Entry& next = urgent_.pop_front();
    if (!next.waiting.empty()) start(next, false);  // else they have all given up meanwhile
  }
  if (in_pool_ < kAtOnce && !refreshing_ && !refresh_.empty()) start(refresh_.pop_front(), true);
}

void Resolver::start(Entry& entry, bool refresh) {
  auto* query = new Query;
  query->work.data = query;
  query->owner = this;
  query->entry = &entry;
  query->refresh = refresh;
  query->lookup = options_.lookup;
  query->host = entry.host;
  entry.looking_up = true;
  refreshing_ |= refresh;
  ++in_pool_;
  running_.push_back(*query);
  uv_queue_work(
      loop_.uv(), &query->work, [](uv_work_t* work) { Query::from(work).run(); },
      [](uv_work_t* work, int) {
        std::unique_ptr<Query> done(&Query::from(work));
        if (done->owner) done->owner->finished(*done);
      });
}

void Resolver::finished(Query& query) {
  query.unlink();
  --in_pool_;
  if (query.refresh) refreshing_ = false;
  Entry& name = *query.entry;
  name.looking_up = false;
  name.checked = options_.clock();
  std::string error = query.error();
  if (error.empty()) name.addresses = query.addresses();
  bool known = !name.addresses.empty();
  while (!name.waiting.empty()) {
    auto& answer = static_cast<Answer&>(name.waiting.front());
    if (known) answer.resolution.addresses = *in_order(name);
    if (!known) answer.resolution.error = error;
    loop_.queue().post(answer);
  }
  start_next();
}

}  // namespace linegate
