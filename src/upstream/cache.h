// Cache: responses by the key of their request, within one budget of bytes, least recently used out first. It
// keeps and finds; what may be stored and for how long is freshness.h's. Pure: time is passed in. One for all
// upstreams of a process; their keys do not meet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/keyed_hash.h"
#include "base/link.h"
#include "http/response.h"
#include "upstream/freshness.h"
#include "upstream/key.h"

namespace linegate {

// A stored response. Immutable: a refresh puts another in its place, so whoever holds one keeps it.
struct Stored {
  std::shared_ptr<Response> response;  // checked and compacted; its charge is released
  Freshness freshness;
  Time received{};

  Duration age(Time now) const;
  bool fresh(Time now) const;
  // Stale, but may be given out while it is being refreshed, or because the API fails now.
  bool usable_while_revalidating(Time now) const;
  bool usable_on_error(Time now) const;
  // Fresh, usable stale, or to be revalidated. Nothing else is worth its room.
  bool of_use(Time now) const;
};
using StoredPtr = std::shared_ptr<const Stored>;

struct CacheStats {
  std::uint64_t stored = 0;       // refreshed ones among them
  std::uint64_t evicted = 0;      // for room
  std::uint64_t invalidated = 0;  // by an unsafe method
};

class Cache {
 public:
  // What an entry costs beside its key (the part that is the resource twice), its body and its fields, about.
  static constexpr std::size_t kEntryOverhead = 896;

  // With 0 nothing is ever stored.
  explicit Cache(std::size_t max_bytes);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // The entry of that key, which thereby is the most recently used; null if there is none. One that is
  // neither fresh nor permitted stale nor can be revalidated is dropped instead. A hit allocates nothing.
  StoredPtr find(const RequestKey& key, Time now);
  // Without touching the order or dropping; for explain.
  StoredPtr peek(const RequestKey& key) const;

  // Puts it in the place of what the key had, and makes room. False if it is larger than the whole budget,
  // or than `max_object` (body bytes): then what the key had is dropped, too. `freshness.store` is true, or
  // nothing happens at all. Gives the response's charge back and shrinks its strings: no views into it now.
  bool store(const RequestKey& key, std::shared_ptr<Response> response, const Freshness& freshness, Time now,
             std::size_t max_object);

  // A 304 to the entry's conditional request: its fields replace those of the same name (Headers::update()),
  // the lifetime is reckoned anew. The result is stored if the key still has `old`, which is not the case
  // when another was stored meanwhile, or it was invalidated; it is given back in any case. If the 304
  // forbids storing, the key has nothing any more.
  StoredPtr refresh(const RequestKey& key, const Stored& old, const Response& not_modified,
                    const CachePolicy& policy, Duration delay, std::int64_t wall, Time now);

  void erase(const RequestKey& key);
  // Everything stored for that upstream and target, whatever method, fields and body (RFC 9111 section 4.4).
  void invalidate(std::string_view resource);

  std::size_t bytes() const { return bytes_; }  // never above max_bytes()
  std::size_t max_bytes() const { return max_bytes_; }
  std::size_t entries() const { return entries_.size(); }
  const CacheStats& stats() const { return stats_; }

 private:
  struct Entry;
  struct Sibling;  // an entry's place among those of its resource

  bool put(const RequestKey& key, StoredPtr stored, std::size_t max_object);
  void make_room(std::size_t bytes);
  void insert(const RequestKey& key, StoredPtr stored, std::size_t bytes);
  void drop(Entry& entry);

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::unordered_map<std::string, Entry, RequestKeyHash, RequestKeyEqual> entries_;
  std::unordered_map<std::string, List<Sibling>, KeyedHash, std::equal_to<>> resources_;  // none is empty
  List<Entry> order_;  // the least recently used first
  CacheStats stats_;
};

// Adds If-None-Match and If-Modified-Since to a request that is to refresh `stored` (RFC 9111 section 4.3.1).
// Nothing if can_be_revalidated() says no, or for other methods than GET and HEAD: where such a condition
// does not hold they are refused with 412 (RFC 9110 section 13.1.2).
void make_conditional(Request& request, const Stored& stored);

}  // namespace linegate
