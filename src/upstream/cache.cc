#include "upstream/cache.h"

#include <algorithm>
#include <utility>

namespace linegate {

// ---------------------------------------------------------------- Stored

Duration Stored::age(Time now) const {
  return freshness.initial_age + std::max(now - received, Duration::zero());
}

bool Stored::fresh(Time now) const {
  return age(now) < freshness.lifetime;
}

bool Stored::usable_while_revalidating(Time now) const {
  return !fresh(now) && age(now) < freshness.lifetime + freshness.while_revalidate;
}

bool Stored::usable_on_error(Time now) const {
  return !fresh(now) && age(now) < freshness.lifetime + freshness.if_error;
}

bool Stored::of_use(Time now) const {
  return fresh(now) || usable_while_revalidating(now) || usable_on_error(now) ||
         can_be_revalidated(*response);
}

// ---------------------------------------------------------------- Cache

struct Cache::Sibling : Link {
  Entry* entry = nullptr;
};

struct Cache::Entry : Link {
  std::string_view resource() const { return key.substr(0, resource_size); }

  std::string_view key;  // the map's own
  std::size_t resource_size = 0;
  StoredPtr stored;
  std::size_t bytes = 0;
  Sibling sibling;
};

namespace {

// A node of a hash table, beside its value: the next one, the hash, the key; its share of the buckets.
constexpr std::size_t kNode = 3 * sizeof(void*) + sizeof(std::string);
constexpr std::size_t kBlock = 2 * sizeof(void*);  // what malloc adds to a block

std::size_t size_of(const RequestKey& key, const Response& response) {
  return Cache::kEntryOverhead + key.bytes.size() + key.resource_size + response.body.capacity() +
         response.headers.raw().capacity();
}

StoredPtr make_stored(std::shared_ptr<Response> response, const Freshness& freshness, Time now) {
  response->body.shrink_to_fit();
  response->headers.shrink_to_fit();
  return std::make_shared<Stored>(Stored{std::move(response), freshness, now});
}

}  // namespace

Cache::Cache(std::size_t max_bytes) : max_bytes_(max_bytes) {
  // Two nodes with their keys, the stored response with its counts, its body and its fields: eight blocks.
  static_assert(kEntryOverhead >= sizeof(Entry) + sizeof(List<Sibling>) + 2 * kNode + sizeof(Stored) +
                                      sizeof(Response) + 2 * sizeof(std::shared_ptr<void>) + 8 * kBlock);
}

Cache::~Cache() = default;

StoredPtr Cache::find(const RequestKey& key, Time now) {
  auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  Entry& entry = found->second;
  if (!entry.stored->of_use(now)) {
    drop(entry);
    return nullptr;
  }
  order_.push_back(entry);
  return entry.stored;
}

StoredPtr Cache::peek(const RequestKey& key) const {
  auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.stored;
}

bool Cache::store(const RequestKey& key, std::shared_ptr<Response> response, const Freshness& freshness,
                  Time now, std::size_t max_object) {
  if (!freshness.store) return false;
  response->charge.release();
  return put(key, make_stored(std::move(response), freshness, now), max_object);
}

StoredPtr Cache::refresh(const RequestKey& key, const Stored& old, const Response& not_modified,
                         const CachePolicy& policy, Duration delay, std::int64_t wall, Time now) {
  auto response = std::make_shared<Response>(old.response->copy());
  response->headers.update(not_modified.headers);
  Freshness freshness = freshness_of(*response, policy, delay, wall);
  StoredPtr stored = make_stored(std::move(response), freshness, now);
  if (peek(key).get() != &old) return stored;
  if (freshness.store) {
    put(key, stored, policy.max_object);
  } else {
    erase(key);
  }
  return stored;
}

bool Cache::put(const RequestKey& key, StoredPtr stored, std::size_t max_object) {
  std::size_t bytes = size_of(key, *stored->response);
  bool fits = bytes <= max_bytes_ && stored->response->body.size() <= max_object;
  erase(key);
  if (!fits) return false;
  make_room(bytes);
  insert(key, std::move(stored), bytes);
  return true;
}

void Cache::make_room(std::size_t bytes) {
  while (bytes_ + bytes > max_bytes_) {
    drop(order_.front());
    ++stats_.evicted;
  }
}

void Cache::insert(const RequestKey& key, StoredPtr stored, std::size_t bytes) {
  auto [place, added] = entries_.try_emplace(key.bytes);
  Entry& entry = place->second;
  entry.key = place->first;
  entry.resource_size = key.resource_size;
  entry.stored = std::move(stored);
  entry.bytes = bytes;
  entry.sibling.entry = &entry;
  resources_.try_emplace(std::string(key.resource())).first->second.push_back(entry.sibling);
  order_.push_back(entry);
  bytes_ += bytes;
  ++stats_.stored;
}

void Cache::drop(Entry& entry) {
  entry.sibling.unlink();
  auto resource = resources_.find(entry.resource());
  if (resource->second.empty()) resources_.erase(resource);
  bytes_ -= entry.bytes;
  entries_.erase(entries_.find(entry.key));
}

void Cache::erase(const RequestKey& key) {
  auto found = entries_.find(key);
  if (found != entries_.end()) drop(found->second);
}

void Cache::invalidate(std::string_view resource) {
  for (auto found = resources_.find(resource); found != resources_.end(); found = resources_.find(resource)) {
    drop(*found->second.front().entry);
    ++stats_.invalidated;
  }
}

// ---------------------------------------------------------------- conditional requests

void make_conditional(Request& request, const Stored& stored) {
  bool may_ask = request.method == "GET" || request.method == "HEAD";
  if (!may_ask || !can_be_revalidated(*stored.response)) return;
  const Headers& headers = stored.response->headers;
  auto add = [&](std::string_view name, std::string_view validator) {
    auto value = headers.get(validator);
    if (value && !value->empty() && valid_field(name, *value)) request.headers.emplace_back(name, *value);
  };
  add("If-None-Match", "ETag");
  add("If-Modified-Since", "Last-Modified");
}

}  // namespace linegate
