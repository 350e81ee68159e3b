// Host names to addresses, off the hot path: one lookup per name at a time, answers kept and refreshed in the
// background while they are in use. It opens no connection and knows no port. Owned by the Session; dies
// before the Loop.
//
// Lookups run in libuv's thread pool, because getaddrinfo() blocks and obeys /etc/hosts and nsswitch.conf.
// The pool has four threads and a lookup cannot be interrupted, so at most kAtOnce run, of which at most one
// refreshes a known name: names that hang while they are refreshed delay nobody, and it takes kAtOnce new
// names that hang together to delay another new name. A caller who cannot wait that long is destroyed by its
// own clock and leaves nothing behind.
#pragma once

#include <netdb.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/link.h"
#include "coro/run_queue.h"
#include "coro/task.h"
#include "loop/loop.h"

namespace linegate {

// Numeric addresses in the order to try them: getaddrinfo()'s (RFC 6724), but what failed lately last.
// "192.0.2.1", "2001:db8::1" (no brackets).
using Addresses = std::vector<std::string>;

struct Resolution {
  Addresses addresses;  // empty only when there is an error
  std::string error;    // a sentence of the system's, such as "Name or service not known"; empty = found
  explicit operator bool() const { return error.empty(); }
};

struct ResolverOptions {
  Duration refresh = 30s;  // an answer older than this is looked up again when it is used
  Duration avoid = 30s;    // how long an address that failed is tried last

  // Runs in a thread of libuv's pool and may block there; its list is freed by ::freeaddrinfo(). Tests put
  // theirs here.
  using Lookup =
      std::function<int(const char* name, const char* service, const addrinfo* hints, addrinfo** found)>;
  Lookup lookup = ::getaddrinfo;

  std::function<Time()> clock = Clock::now;  // not loop.now(): answers come while the loop polls
};

class Resolver {
 public:
  static constexpr std::size_t kAtOnce = 3;  // lookups running in the pool
  static constexpr std::size_t kMostHosts =
      1'024;  // names remembered; the one not used for longest is forgotten
  static constexpr std::size_t kMostAddresses = 16;  // of one name

  explicit Resolver(Loop& loop, ResolverOptions options = {});
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  // Nobody may be waiting. A lookup that is running cannot be stopped: it is left behind, and loop.abandon()
  // is called.
  ~Resolver();

  // The addresses of `host` if they are known: an IP literal (an IPv6 one with or without brackets), or an
  // answer not older than `refresh`, or an older one that was used within the last `refresh` (a lookup is
  // then begun in the background; its failure keeps the old answer). Otherwise nullptr: await resolve().
  // Valid until the next call of any member, so copy what must outlive a co_await.
  const Addresses* cached(std::string_view host);

  // As cached(), but looks the name up where that gives nothing. A failed lookup falls back to the last good
  // answer, however old; failures are not remembered.
  Task<Resolution> resolve(std::string host);

  // A connection to `address` of `host` failed at `now`: it is tried last for `avoid`.
  void failed(std::string_view host, std::string_view address, Time now);

 private:
  struct Entry;  // what is known of one name
  struct Query;  // one lookup in the pool
  class Answer;  // awaits the answer for one entry
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  Entry& entry(std::string_view host);
  Entry* find(std::string_view host);
  void forget_one();
  void want(Entry& entry, bool urgent);
  void start_next();
  void start(Entry& entry, bool refresh);
  void finished(Query& query);
  const Addresses* in_order(Entry& entry);

  Loop& loop_;
  ResolverOptions options_;
  std::unordered_map<std::string, std::unique_ptr<Entry>, Hash, std::equal_to<>> entries_;
  List<Entry> urgent_;   // names that somebody waits for, not looked up yet
  List<Entry> refresh_;  // names with an old answer
  List<Query> running_;
  std::size_t in_pool_ = 0;
  bool refreshing_ = false;
};

}  // namespace linegate
