// Cache: what it finds, what it drops, and in which order.
#include "upstream/cache.h"

#include <gtest/gtest.h>

#include <string>

#if defined(__SANITIZE_ADDRESS__)
#define LINEGATE_COUNTS_ALLOCATIONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LINEGATE_COUNTS_ALLOCATIONS 1
#endif
#endif
#ifdef LINEGATE_COUNTS_ALLOCATIONS
#include <sanitizer/allocator_interface.h>
#endif

namespace linegate {
namespace {

constexpr Time t0{1000h};
constexpr std::size_t kAny = std::size_t{1} << 30;
constexpr std::int64_t kWall = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

Freshness fresh_for(Duration lifetime) {
  Freshness freshness;
  freshness.store = true;
  freshness.lifetime = lifetime;
  return freshness;
}

std::shared_ptr<Response> response(std::string body, const std::string& fields = {}, int status = 200) {
  auto made = std::make_shared<Response>();
  made->status = status;
  made->body = std::move(body);
  made->headers.append_line(fields);
  return made;
}

RequestKey key(const std::string& target, const std::string& method = "GET", std::uint64_t upstream = 1) {
  Request request;
  request.method = method;
  request.target = target;
  RequestKey made;
  write_key(made, upstream, request, CacheMode::rfc9111);
  return made;
}

struct CacheTest : testing::Test {
  bool put(const RequestKey& k, std::string body, Duration lifetime = 60s) {
    return cache.store(k, response(std::move(body)), fresh_for(lifetime), t0, kAny);
  }
  // "" where there is none.
  std::string body(const RequestKey& k, Time now = t0) {
    StoredPtr found = cache.find(k, now);
    return found ? found->response->body : std::string();
  }

  Cache cache{std::size_t{1} << 20};
};

// What one entry costs with a body of that size, which is at least 16: shorter ones cost as much.
std::size_t cost(const RequestKey& k, std::size_t body) {
  return Cache::kEntryOverhead + k.bytes.size() + k.resource_size + body + Headers().raw().capacity();
}

// ---------------------------------------------------------------- an entry's age

TEST(Stored, GrowsOlderFromItsInitialAge) {
  Stored stored{response(""), fresh_for(60s), t0};
  stored.freshness.initial_age = 10s;
  EXPECT_EQ(stored.age(t0), 10s);
  EXPECT_EQ(stored.age(t0 + 5s), 15s);
  EXPECT_EQ(stored.age(t0 - 5s), 10s);
  EXPECT_TRUE(stored.fresh(t0 + 49999ms));
  EXPECT_FALSE(stored.fresh(t0 + 50s));
}

TEST(Stored, IsUsableStaleWithinItsWindowsOnly) {
  Stored stored{response(""), fresh_for(60s), t0};
  stored.freshness.while_revalidate = 5s;
  stored.freshness.if_error = 20s;
  EXPECT_FALSE(stored.usable_while_revalidating(t0 + 59999ms));  // fresh, not stale
  EXPECT_TRUE(stored.usable_while_revalidating(t0 + 60s));
  EXPECT_TRUE(stored.usable_while_revalidating(t0 + 64999ms));
  EXPECT_FALSE(stored.usable_while_revalidating(t0 + 65s));
  EXPECT_FALSE(stored.usable_on_error(t0 + 59999ms));
  EXPECT_TRUE(stored.usable_on_error(t0 + 79999ms));
  EXPECT_FALSE(stored.usable_on_error(t0 + 80s));
}

TEST(Stored, WithoutWindowsIsNotUsableStale) {
  Stored stored{response(""), fresh_for(60s), t0};
  EXPECT_FALSE(stored.usable_while_revalidating(t0 + 60s));
  EXPECT_FALSE(stored.usable_on_error(t0 + 60s));
}

// ---------------------------------------------------------------- finding

TEST_F(CacheTest, FindsWhatItStored) {
  EXPECT_TRUE(put(key("/a"), "1"));
  EXPECT_EQ(body(key("/a")), "1");
  EXPECT_EQ(body(key("/b")), "");
  EXPECT_EQ(body(key("/a", "HEAD")), "");
  EXPECT_EQ(body(key("/a", "GET", 2)), "");
  EXPECT_EQ(cache.entries(), 1u);
}

TEST_F(CacheTest, ReplacesWhatTheKeyHad) {
  put(key("/a"), std::string(100, 'x'));
  StoredPtr held = cache.find(key("/a"), t0);
  put(key("/a"), std::string(200, 'y'));
  EXPECT_EQ(body(key("/a")), std::string(200, 'y'));
  EXPECT_EQ(held->response->body, std::string(100, 'x'));
  EXPECT_EQ(cache.entries(), 1u);
  EXPECT_EQ(cache.bytes(), cost(key("/a"), 200));
  EXPECT_EQ(cache.stats().evicted, 0u);
}

TEST_F(CacheTest, DropsWhatIsOfNoUseAnyMore) {
  put(key("/a"), "1", 60s);
  EXPECT_EQ(body(key("/a"), t0 + 59s), "1");
  EXPECT_EQ(body(key("/a"), t0 + 60s), "");
  EXPECT_EQ(cache.entries(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST_F(CacheTest, KeepsWhatIsStaleButPermitted) {
  Freshness freshness = fresh_for(60s);
  freshness.if_error = 10s;
  cache.store(key("/a"), response("1"), freshness, t0, kAny);
  freshness.if_error = 0s;
  freshness.while_revalidate = 10s;
  cache.store(key("/b"), response("2"), freshness, t0, kAny);
  EXPECT_EQ(body(key("/a"), t0 + 69s), "1");
  EXPECT_EQ(body(key("/b"), t0 + 69s), "2");
  EXPECT_EQ(body(key("/a"), t0 + 70s), "");
  EXPECT_EQ(body(key("/b"), t0 + 70s), "");
}

TEST_F(CacheTest, KeepsWhatCanBeRevalidated) {
  cache.store(key("/a"), response("1", "ETag: \"1\"\r\n"), fresh_for(0s), t0, kAny);
  cache.store(key("/b"), response("2", "ETag: \"1\"\r\n", 404), fresh_for(1s), t0, kAny);
  EXPECT_EQ(body(key("/a"), t0 + 1000h), "1");
  EXPECT_EQ(body(key("/b"), t0 + 1s), "");
}

TEST_F(CacheTest, PeeksWithoutDropping) {
  put(key("/a"), "1", 60s);
  EXPECT_TRUE(cache.peek(key("/a")));
  EXPECT_FALSE(cache.peek(key("/b")));
  StoredPtr stale = cache.peek(key("/a"));
  EXPECT_FALSE(stale->fresh(t0 + 60s));
  EXPECT_EQ(cache.entries(), 1u);
}

TEST_F(CacheTest, ErasesOne) {
  put(key("/a"), "1");
  put(key("/b"), "2");
  cache.erase(key("/a"));
  cache.erase(key("/none"));
  EXPECT_EQ(body(key("/a")), "");
  EXPECT_EQ(body(key("/b")), "2");
  EXPECT_EQ(cache.bytes(), cost(key("/b"), std::string().capacity()));
}

#ifdef LINEGATE_COUNTS_ALLOCATIONS
std::size_t allocations = 0;
void on_malloc(const volatile void*, std::size_t) {
  ++allocations;
}
void on_free(const volatile void*) {}

TEST_F(CacheTest, AllocatesNothingForAHit) {
  ASSERT_GT(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free), 0);
  RequestKey wanted = key("/a/target/that/is/long/enough");
  put(wanted, "1");
  std::size_t before = allocations;
  ASSERT_GT(before, 0u);
  StoredPtr found = cache.find(wanted, t0);
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(found);
}
#endif

// ---------------------------------------------------------------- the budget

TEST(CacheBudget, HoldsExactlyWhatFits) {
  std::size_t one = cost(key("/a"), 1000);
  Cache cache(2 * one);
  for (const char* target : {"/a", "/b"})
    EXPECT_TRUE(cache.store(key(target), response(std::string(1000, 'x')), fresh_for(60s), t0, kAny));
  EXPECT_EQ(cache.entries(), 2u);
  EXPECT_EQ(cache.bytes(), cache.max_bytes());
  EXPECT_EQ(cache.stats().evicted, 0u);
}

TEST(CacheBudget, EvictsOnlyAsManyAsItMust) {
  Cache cache(3 * cost(key("/a"), 1000));
  for (const char* target : {"/a", "/b", "/c"})
    cache.store(key(target), response(std::string(1000, 'x')), fresh_for(60s), t0, kAny);
  cache.store(key("/d"), response(std::string(1001, 'x')), fresh_for(60s), t0, kAny);
  EXPECT_EQ(cache.entries(), 2u);
  EXPECT_EQ(cache.stats().evicted, 2u);
  EXPECT_TRUE(cache.peek(key("/c")));
  EXPECT_TRUE(cache.peek(key("/d")));
}

TEST(CacheBudget, EvictsTheLeastRecentlyFoundOrStored) {
  Cache cache(3 * cost(key("/a"), 1000));
  auto put = [&](const char* target) {
    cache.store(key(target), response(std::string(1000, 'x')), fresh_for(60s), t0, kAny);
  };
  for (const char* target : {"/a", "/b", "/c"}) put(target);
  EXPECT_TRUE(cache.find(key("/a"), t0));
  EXPECT_TRUE(cache.peek(key("/b")));  // leaves the order as it is
  put("/d");
  EXPECT_FALSE(cache.peek(key("/b")));
  put("/c");
  put("/e");
  EXPECT_FALSE(cache.peek(key("/a")));
  EXPECT_TRUE(cache.peek(key("/c")));
  EXPECT_TRUE(cache.peek(key("/d")));
}

TEST(CacheBudget, RefusesWhatIsLargerThanAllOfItAndKeepsTheOthers) {
  std::size_t one = cost(key("/a"), 1000);
  Cache cache(one);
  EXPECT_TRUE(cache.store(key("/a"), response(std::string(1000, 'x')), fresh_for(60s), t0, kAny));
  EXPECT_FALSE(cache.store(key("/b"), response(std::string(1001, 'x')), fresh_for(60s), t0, kAny));
  EXPECT_TRUE(cache.peek(key("/a")));
  EXPECT_EQ(cache.stats().evicted, 0u);
}

TEST(CacheBudget, OfZeroStoresNothing) {
  Cache cache(0);
  EXPECT_FALSE(cache.store(key("/a"), response(""), fresh_for(60s), t0, kAny));
  EXPECT_EQ(cache.entries(), 0u);
}

TEST(CacheBudget, CountsKeyAndFieldsToo) {
  Cache cache(1 << 20);
  RequestKey longer = key("/" + std::string(5000, 'a'));
  cache.store(longer, response("1", "X: " + std::string(3000, 'y') + "\r\n"), fresh_for(60s), t0, kAny);
  EXPECT_GE(cache.bytes(), Cache::kEntryOverhead + 5000u + 5000u + 3000u);
}

TEST_F(CacheTest, RefusesABodyAboveTheCapAndForgetsTheOlderOne) {
  put(key("/a"), "1");
  EXPECT_TRUE(cache.store(key("/b"), response(std::string(100, 'x')), fresh_for(60s), t0, 100));
  EXPECT_FALSE(cache.store(key("/a"), response(std::string(101, 'x')), fresh_for(60s), t0, 100));
  EXPECT_EQ(body(key("/a")), "");
}

TEST_F(CacheTest, StoresNothingThatMayNotBe) {
  put(key("/a"), "1");
  EXPECT_FALSE(cache.store(key("/a"), response("2"), Freshness{}, t0, kAny));
  EXPECT_EQ(body(key("/a")), "1");
}

// A client's budget must not be charged for as long as the entry lives, which may be longer than the client.
TEST_F(CacheTest, GivesTheChargeBack) {
  struct Purse final : BodyBudget {
    bool grow(std::size_t bytes) override { return spent += bytes, true; }
    void shrink(std::size_t bytes) override { spent -= bytes; }
    std::size_t spent = 0;
  } purse;
  auto charged = response("1");
  charged->charge = Charge(&purse);
  ASSERT_TRUE(charged->charge.grow(1));
  cache.store(key("/a"), charged, fresh_for(60s), t0, kAny);
  EXPECT_EQ(purse.spent, 0u);
}

TEST_F(CacheTest, KeepsNoSpareCapacity) {
  auto roomy = response(std::string(100, 'x'));
  roomy->body.reserve(100'000);
  cache.store(key("/a"), roomy, fresh_for(60s), t0, kAny);
  EXPECT_EQ(cache.bytes(), cost(key("/a"), 100));
}

// ---------------------------------------------------------------- invalidation

TEST_F(CacheTest, InvalidatesAllOfOneTarget) {
  Request search;
  search.method = "POST";
  search.target = "/a";
  search.body = "x";
  RequestKey posted;
  write_key(posted, 1, search, CacheMode::rfc9111);
  for (const auto& k : {key("/a"), key("/a", "HEAD"), posted, key("/ab"), key("/"), key("/a", "GET", 2)})
    put(k, "1");
  cache.invalidate(key("/a").resource());
  EXPECT_EQ(cache.entries(), 3u);
  EXPECT_EQ(cache.stats().invalidated, 3u);
  for (const auto& k : {key("/ab"), key("/"), key("/a", "GET", 2)}) EXPECT_EQ(body(k), "1");
}

TEST_F(CacheTest, InvalidatesNothingWhereNothingIs) {
  put(key("/a"), "1");
  cache.erase(key("/a"));
  cache.invalidate(key("/a").resource());
  EXPECT_EQ(cache.stats().invalidated, 0u);
}

// ---------------------------------------------------------------- refreshing

struct Refresh : CacheTest {
  StoredPtr store(const std::string& fields) {
    auto made = response("[1]", fields);
    Freshness freshness = freshness_of(*made, policy, 0s, kWall);
    EXPECT_TRUE(cache.store(key("/a"), made, freshness, t0, kAny));
    return cache.peek(key("/a"));
  }
  StoredPtr refresh(const StoredPtr& old, const std::string& fields, Time now) {
    return cache.refresh(key("/a"), *old, *response("", fields, 304), policy, 0s, kWall, now);
  }
  CachePolicy policy;
};

// undici #4596: a 304 that did not renew the time was asked for again with each request.
TEST_F(Refresh, MakesItFreshAgain) {
  auto old = store("ETag: \"1\"\r\nCache-Control: max-age=60\r\nContent-Type: application/json\r\n");
  auto renewed = refresh(old, "Cache-Control: max-age=30\r\nX: y\r\n", t0 + 100s);
  EXPECT_EQ(renewed, cache.peek(key("/a")));
  EXPECT_EQ(renewed->response->status, 200);
  EXPECT_EQ(renewed->response->body, "[1]");
  EXPECT_EQ(renewed->response->headers.get("X"), "y");
  EXPECT_EQ(renewed->response->headers.get("Content-Type"), "application/json");
  EXPECT_TRUE(renewed->fresh(t0 + 129s));
  EXPECT_FALSE(renewed->fresh(t0 + 130s));
}

TEST_F(Refresh, LeavesWhatOthersHold) {
  auto old = store("ETag: \"1\"\r\nCache-Control: max-age=60\r\n");
  refresh(old, "ETag: \"2\"\r\n", t0 + 100s);
  EXPECT_EQ(old->response->headers.get("ETag"), "\"1\"");
  EXPECT_FALSE(old->fresh(t0 + 100s));
}

TEST_F(Refresh, DoesNotCountTheAgeOfTheFirstAnswer) {
  auto old =
      store("ETag: \"1\"\r\nCache-Control: max-age=60\r\nAge: 50\r\nDate: Sun, 06 Nov 1994 08:49:00 GMT\r\n");
  EXPECT_EQ(refresh(old, "", t0 + 100s)->freshness.initial_age, 0s);
}

TEST_F(Refresh, DoesNotBringBackWhatIsGone) {
  auto old = store("ETag: \"1\"\r\nCache-Control: max-age=60\r\n");
  cache.invalidate(key("/a").resource());
  EXPECT_EQ(refresh(old, "", t0 + 100s)->response->body, "[1]");
  EXPECT_EQ(cache.entries(), 0u);
}

TEST_F(Refresh, DoesNotReplaceWhatIsNewer) {
  auto old = store("ETag: \"1\"\r\nCache-Control: max-age=60\r\n");
  put(key("/a"), "[2]", 600s);
  EXPECT_EQ(refresh(old, "", t0 + 100s)->response->body, "[1]");
  EXPECT_EQ(body(key("/a"), t0 + 100s), "[2]");
}

TEST_F(Refresh, DropsWhatMayNoLongerBeStored) {
  auto old = store("ETag: \"1\"\r\nCache-Control: max-age=60\r\n");
  EXPECT_EQ(refresh(old, "Cache-Control: no-store\r\n", t0 + 100s)->response->body, "[1]");
  EXPECT_EQ(cache.entries(), 0u);
}

TEST_F(Refresh, StaysWithinTheBudget) {
  std::string fields = "ETag: \"1\"\r\nCache-Control: max-age=60\r\n";
  auto old = store(fields);
  std::size_t before = cache.bytes();
  refresh(old, "X: " + std::string(100, 'y') + "\r\n", t0);
  EXPECT_EQ(cache.bytes(), before + 105u);
  EXPECT_EQ(cache.entries(), 1u);
}

TEST_F(Refresh, MakesItTheMostRecentlyUsed) {
  Cache small(3 * cost(key("/a"), 60));
  auto fill = [&](const char* target) {
    small.store(key(target), response("[1]", "ETag: \"1\"\r\n"), fresh_for(60s), t0, kAny);
  };
  for (const char* target : {"/a", "/b", "/c"}) fill(target);
  auto old = small.peek(key("/a"));
  small.refresh(key("/a"), *old, *response("", "Cache-Control: max-age=1\r\n", 304), policy, 0s, kWall, t0);
  fill("/d");
  EXPECT_TRUE(small.peek(key("/a")));
  EXPECT_FALSE(small.peek(key("/b")));
}

// ---------------------------------------------------------------- conditional requests

TEST(Conditional, SendsBothValidatorsBack) {
  Request request;
  request.headers = {{"X", "y"}};
  make_conditional(
      request, {response("", "ETag: W/\"1\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), {}, t0});
  EXPECT_EQ(request.headers, (Fields{{"X", "y"},
                                     {"If-None-Match", "W/\"1\""},
                                     {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}));
}

TEST(Conditional, SendsNoneThatIsNone) {
  for (const auto& stored :
       {response("", ""), response("", "ETag:\r\n"), response("", "ETag: \"1\"\r\n", 404)}) {
    Request request;
    make_conditional(request, {stored, {}, t0});
    EXPECT_TRUE(request.headers.empty());
  }
}

}  // namespace
}  // namespace linegate
