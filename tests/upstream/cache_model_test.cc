// 100,000 random operations on a Cache and on a plain model of it: a std::map and a list that is searched
// from its front. LINEGATE_TEST_SEED sets another seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "upstream/cache.h"

namespace linegate {
namespace {

constexpr std::size_t kMaxBytes = 20'000;
constexpr int kOperations = 100'000;

// What is stored, in whole seconds and as plain fields.
struct ModelEntry {
  std::string resource;
  std::string body;
  std::map<std::string, std::string> fields;
  int lifetime = 0;
  int initial_age = 0;
  int while_revalidate = 0;
  int if_error = 0;
  int received = 0;

  std::size_t bytes(const std::string& key) const {
    std::size_t block = 0;
    for (const auto& [name, value] : fields) block += name.size() + value.size() + 4;
    auto held = [](std::size_t size) { return std::max(size, std::string().capacity()); };
    return Cache::kEntryOverhead + key.size() + resource.size() + held(body.size()) + held(block);
  }
  bool of_use(int now) const {
    int age = initial_age + (now - received);
    int longest = lifetime + std::max(while_revalidate, if_error);
    return age < longest || fields.count("ETag") > 0;
  }
};

class Model {
 public:
  const ModelEntry* find(const std::string& key, int now) {
    if (entries.count(key) == 0) return nullptr;
    if (!entries[key].of_use(now)) {
      erase(key);
      return nullptr;
    }
    order.erase(std::find(order.begin(), order.end(), key));
    order.push_back(key);
    return &entries[key];
  }

  bool store(const std::string& key, const ModelEntry& entry, std::size_t max_object) {
    erase(key);
    if (entry.body.size() > max_object || entry.bytes(key) > kMaxBytes) return false;
    entries[key] = entry;
    order.push_back(key);
    while (bytes() > kMaxBytes) {
      std::string first = order.front();
      erase(first);
      ++evicted;
    }
    return true;
  }

  void erase(const std::string& key) {
    entries.erase(key);
    order.erase(std::remove(order.begin(), order.end(), key), order.end());
  }

  void invalidate(const std::string& resource) {
    for (const std::string& key : std::vector<std::string>(order)) {
      if (entries[key].resource != resource) continue;
      erase(key);
      ++invalidated;
    }
  }

  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& [key, entry] : entries) sum += entry.bytes(key);
    return sum;
  }

  std::map<std::string, ModelEntry> entries;
  std::vector<std::string> order;
  std::uint64_t evicted = 0;
  std::uint64_t invalidated = 0;
};

std::string block_of(const std::map<std::string, std::string>& fields) {
  std::string block;
  for (const auto& [name, value] : fields) block += name + ": " + value + "\r\n";
  return block;
}

std::vector<RequestKey> all_keys() {
  std::vector<RequestKey> keys;
  for (const char* target : {"/", "/a", "/aa", "/b/with/a/longer/target", "/c?d=e"}) {
    for (const char* method : {"GET", "HEAD", "POST"}) {
      for (const char* body : {"", "x"}) {
        Request request;
        request.method = method;
        request.target = target;
        request.body = body;
        write_key(keys.emplace_back(), 1, request, CacheMode::rfc9111);
      }
    }
  }
  return keys;
}

class Play {
 public:
  explicit Play(std::uint64_t seed) : random_(seed) {}

  void step() {
    now_ += seconds(3);
    key_ = &keys_[up_to(keys_.size() - 1)];
    switch (up_to(19)) {
      case 0:
        erase();
        break;
      case 1:
        if (up_to(3) == 0) invalidate();
        break;
      case 2:
      case 3:
        remember();
        break;
      case 4:
      case 5:
        refresh();
        break;
      case 6:
      case 7:
      case 8:
      case 9:
      case 10:
        store();
        break;
      default:
        find();
    }
  }

  // All that is there, after each operation: so that what was evicted was the right one, too.
  void compare() {
    ASSERT_EQ(cache_.bytes(), model_.bytes());
    ASSERT_LE(cache_.bytes(), kMaxBytes);
    ASSERT_EQ(cache_.entries(), model_.entries.size());
    ASSERT_EQ(cache_.stats().evicted, model_.evicted);
    ASSERT_EQ(cache_.stats().invalidated, model_.invalidated);
    for (const RequestKey& key : keys_) same(cache_.peek(key), expected(key));
  }

  int found = 0;
  int stored = 0;
  int refused = 0;
  int refreshed = 0;
  const Model& model() const { return model_; }

 private:
  std::uint64_t up_to(std::uint64_t most) { return random_() % (most + 1); }
  int seconds(std::uint64_t most) { return static_cast<int>(up_to(most)); }
  Time time() const { return Time(std::chrono::seconds(now_)); }

  const ModelEntry* expected(const RequestKey& key) const {
    auto entry = model_.entries.find(key.bytes);
    return entry == model_.entries.end() ? nullptr : &entry->second;
  }

  void same(const StoredPtr& real, const ModelEntry* entry) {
    ASSERT_EQ(real != nullptr, entry != nullptr);
    if (!real) return;
    ASSERT_EQ(real->response->body, entry->body);
    ASSERT_EQ(real->freshness.lifetime, std::chrono::seconds(entry->lifetime));
    ASSERT_EQ(real->received, Time(std::chrono::seconds(entry->received)));
    for (const auto& [name, value] : entry->fields) ASSERT_EQ(real->response->headers.get(name), value);
  }

  ModelEntry any_entry() {
    ModelEntry entry;
    entry.resource = key_->resource();
    std::size_t size = up_to(9) == 0 ? up_to(25'000) : up_to(3'000);
    entry.body = std::string(size, static_cast<char>('a' + up_to(25)));
    if (up_to(2) == 0) entry.fields["ETag"] = "\"" + std::to_string(up_to(1'000'000)) + "\"";
    if (up_to(1) == 0) entry.fields["Pad"] = std::string(up_to(500), 'p');
    entry.lifetime = seconds(100);
    entry.initial_age = seconds(20);
    entry.while_revalidate = seconds(1) * seconds(50);
    entry.if_error = seconds(1) * seconds(50);
    entry.received = now_;
    return entry;
  }

  bool put(const ModelEntry& entry, std::size_t max_object) {
    auto response = std::make_shared<Response>();
    response->status = 200;
    response->body = entry.body;
    response->body.reserve(entry.body.size() + 64);
    response->headers.append_line(block_of(entry.fields));
    Freshness freshness{true, std::chrono::seconds(entry.lifetime), std::chrono::seconds(entry.initial_age),
                        std::chrono::seconds(entry.while_revalidate), std::chrono::seconds(entry.if_error)};
    return cache_.store(*key_, std::move(response), freshness, time(), max_object);
  }

  void store() {
    ModelEntry entry = any_entry();
    std::size_t max_object = up_to(4) == 0 ? up_to(3'000) : kMaxBytes;
    bool real = put(entry, max_object);
    ASSERT_EQ(real, model_.store(key_->bytes, entry, max_object));
    ++(real ? stored : refused);
  }

  void find() {
    StoredPtr real = cache_.find(*key_, time());
    same(real, model_.find(key_->bytes, now_));
    if (real) ++found;
  }

  void erase() {
    cache_.erase(*key_);
    model_.erase(key_->bytes);
  }

  void invalidate() {
    cache_.invalidate(key_->resource());
    model_.invalidate(std::string(key_->resource()));
  }

  // A conditional request goes out; its answer comes some operations later.
  void remember() {
    asked_key_ = *key_;
    asked_ = cache_.peek(*key_);
    asked_entry_ = expected(*key_) ? *expected(*key_) : ModelEntry();
  }

  void refresh() {
    if (!asked_) return;
    std::map<std::string, std::string> fields;
    int lifetime = seconds(100);
    bool no_store = up_to(9) == 0;
    fields["Cache-Control"] = no_store ? "no-store" : "max-age=" + std::to_string(lifetime);
    if (up_to(1) == 0) fields["Pad"] = std::string(up_to(500), 'q');
    Response not_modified;
    not_modified.status = 304;
    not_modified.headers.append_line(block_of(fields));
    StoredPtr real =
        cache_.refresh(asked_key_, *asked_, not_modified, CachePolicy(), Duration::zero(), 0, time());
    ASSERT_EQ(real->response->body, asked_entry_.body);
    model_refresh(fields, lifetime, no_store);
  }

  void model_refresh(const std::map<std::string, std::string>& fields, int lifetime, bool no_store) {
    StoredPtr asked = std::exchange(asked_, nullptr);
    const ModelEntry* has = expected(asked_key_);
    bool still_there = has && has->received == asked_entry_.received && has->body == asked_entry_.body;
    if (!still_there) return;
    ModelEntry entry = asked_entry_;
    for (const auto& [name, value] : fields) entry.fields[name] = value;
    entry.lifetime = lifetime;
    entry.initial_age = entry.while_revalidate = entry.if_error = 0;
    entry.received = now_;
    bool keep = !no_store && entry.of_use(now_);
    if (!keep) model_.erase(asked_key_.bytes);
    if (keep && model_.store(asked_key_.bytes, entry, CachePolicy().max_object)) ++refreshed;
  }

  std::mt19937_64 random_;
  std::vector<RequestKey> keys_ = all_keys();
  Cache cache_{kMaxBytes};
  Model model_;
  int now_ = 1'000'000;
  const RequestKey* key_ = nullptr;
  RequestKey asked_key_;
  StoredPtr asked_;
  ModelEntry asked_entry_;
};

void play(std::uint64_t seed) {
  Play game(seed);
  for (int i = 0; i < kOperations; ++i) {
    game.step();
    game.compare();
    if (testing::Test::HasFatalFailure()) FAIL() << "operation " << i << " with LINEGATE_TEST_SEED=" << seed;
  }
  // It did happen.
  EXPECT_GT(game.found, kOperations / 20);
  EXPECT_GT(game.stored, kOperations / 20);
  EXPECT_GT(game.refused, kOperations / 100);
  EXPECT_GT(game.refreshed, kOperations / 1000);
  EXPECT_GT(game.model().evicted, std::uint64_t{kOperations / 100});
  EXPECT_GT(game.model().invalidated, std::uint64_t{kOperations / 1000});
}

TEST(CacheModel, AgreesOnAHundredThousandOperations) {
  play(20241106);
}

TEST(CacheModel, AgreesWithTheSeedOfTheEnvironment) {
  const char* seed = std::getenv("LINEGATE_TEST_SEED");
  if (!seed) GTEST_SKIP() << "LINEGATE_TEST_SEED is not set";
  play(std::strtoull(seed, nullptr, 10));
}

}  // namespace
}  // namespace linegate
