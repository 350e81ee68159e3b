// The Resolver with a scripted lookup in place of getaddrinfo(), and a clock that is set by hand.
#include "http/resolver.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "loop/sleep.h"

namespace linegate {
namespace {

// Answers lookups from a table, in the pool's threads; a held name hangs until it is let go.
class Names {
 public:
  ~Names() { release_all(); }

  void set(const std::string& host, Addresses addresses) {
    std::lock_guard lock(mutex_);
    table_[host] = std::move(addresses);
  }
  void hold(const std::string& host) {
    std::lock_guard lock(mutex_);
    held_.insert(host);
  }
  void release(const std::string& host) {
    std::lock_guard lock(mutex_);
    held_.erase(host);
    changed_.notify_all();
  }
  void release_all() {
    std::lock_guard lock(mutex_);
    held_.clear();
    changed_.notify_all();
  }
  int lookups(const std::string& host) {
    std::lock_guard lock(mutex_);
    return counts_[host];
  }
  void wait_for_lookups(const std::string& host, int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return counts_[host] >= count; });
  }

  int lookup(const char* name, const addrinfo* hints, addrinfo** found) {
    Addresses addresses;
    {
      std::unique_lock lock(mutex_);
      ++counts_[name];
      changed_.notify_all();
      changed_.wait(lock, [&] { return held_.count(name) == 0; });
      addresses = table_[name];
    }
    if (addresses.empty()) return EAI_NONAME;
    addrinfo numeric = *hints;
    numeric.ai_flags = AI_NUMERICHOST;
    addrinfo** end = found;
    for (const std::string& address : addresses) {
      int rc = ::getaddrinfo(address.c_str(), nullptr, &numeric, end);
      if (rc != 0) return rc;
      end = &(*end)->ai_next;
    }
    return 0;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Addresses> table_;
  std::map<std::string, int> counts_;
  std::set<std::string> held_;
};

class ResolverTest : public testing::Test {
 protected:
  ResolverOptions options() {
    ResolverOptions options;
    options.lookup = [this](const char* name, const char*, const addrinfo* hints, addrinfo** found) {
      return names.lookup(name, hints, found);
    };
    options.clock = [this] { return now; };
    return options;
  }
  Resolution resolve(const std::string& host) { return loop.run(resolver->resolve(host)); }
  // Until the background has nothing left to do.
  void settle() { loop.run(); }

  Names names;
  Time now = Time{} + 1h;
  Loop loop;
  std::unique_ptr<Resolver> resolver = std::make_unique<Resolver>(loop, options());
};

Task<> store(Resolver& resolver, std::string host, Resolution& into) {
  into = co_await resolver.resolve(std::move(host));
}

TEST_F(ResolverTest, LiteralsNeedNoLookup) {
  EXPECT_EQ(*resolver->cached("127.0.0.1"), Addresses{"127.0.0.1"});
  EXPECT_EQ(*resolver->cached("::1"), Addresses{"::1"});
  EXPECT_EQ(*resolver->cached("[2001:db8::1]"), Addresses{"2001:db8::1"});
  now += 24h;
  EXPECT_EQ(*resolver->cached("127.0.0.1"), Addresses{"127.0.0.1"});
  EXPECT_EQ(names.lookups("127.0.0.1"), 0);
}

TEST_F(ResolverTest, LiteralsResolveAtOnce) {
  EXPECT_EQ(resolve("10.0.0.1").addresses, Addresses{"10.0.0.1"});
  EXPECT_EQ(names.lookups("10.0.0.1"), 0);
}

TEST_F(ResolverTest, KeepsTheOrderOfTheLookup) {
  names.set("api", {"::1", "10.0.0.2", "10.0.0.1"});
  Resolution found = resolve("api");
  EXPECT_TRUE(found);
  EXPECT_EQ(found.addresses, (Addresses{"::1", "10.0.0.2", "10.0.0.1"}));
}

TEST_F(ResolverTest, NamesEachAddressOnce) {
  names.set("api", {"10.0.0.1", "10.0.0.2", "10.0.0.1"});
  EXPECT_EQ(resolve("api").addresses, (Addresses{"10.0.0.1", "10.0.0.2"}));
}

TEST_F(ResolverTest, CutsAnEndlessListOfAddresses) {
  Addresses many;
  for (int i = 1; i < 100; ++i) many.push_back("10.0.0." + std::to_string(i));
  names.set("api", many);
  EXPECT_EQ(resolve("api").addresses.size(), Resolver::kMostAddresses);
}

TEST_F(ResolverTest, AnAnswerIsCached) {
  names.set("api", {"10.0.0.1"});
  EXPECT_EQ(resolver->cached("api"), nullptr);
  resolve("api");
  EXPECT_EQ(*resolver->cached("api"), Addresses{"10.0.0.1"});
  EXPECT_EQ(resolve("api").addresses, Addresses{"10.0.0.1"});
  EXPECT_EQ(names.lookups("api"), 1);
}

TEST_F(ResolverTest, AnUnknownNameGivesTheSystemsSentence) {
  Resolution found = resolve("nowhere");
  EXPECT_FALSE(found);
  EXPECT_EQ(found.error, ::gai_strerror(EAI_NONAME));
  EXPECT_TRUE(found.addresses.empty());
}

TEST_F(ResolverTest, AFailureIsNotRemembered) {
  EXPECT_FALSE(resolve("api"));
  names.set("api", {"10.0.0.1"});
  EXPECT_TRUE(resolve("api"));
}

TEST_F(ResolverTest, WhatIsNoNameIsRefusedWithoutALookup) {
  EXPECT_FALSE(resolve(""));
  EXPECT_FALSE(resolve(std::string("api\0.test", 9)));
  EXPECT_FALSE(resolve(std::string(256, 'a')));
  EXPECT_EQ(names.lookups("api"), 0);
}

TEST_F(ResolverTest, ManyWaitersShareOneLookup) {
  names.set("api", {"10.0.0.1"});
  names.hold("api");
  Resolution first, second;
  TaskGroup group(loop);
  group.spawn(store(*resolver, "api", first));
  group.spawn(store(*resolver, "api", second));
  std::thread later([&] {
    names.wait_for_lookups("api", 1);
    names.release("api");
  });
  loop.run();
  later.join();
  EXPECT_EQ(first.addresses, Addresses{"10.0.0.1"});
  EXPECT_EQ(second.addresses, Addresses{"10.0.0.1"});
  EXPECT_EQ(names.lookups("api"), 1);
}

TEST_F(ResolverTest, AnOldAnswerInUseIsRefreshedBehindItsUsers) {
  names.set("api", {"10.0.0.1"});
  resolve("api");
  names.set("api", {"10.0.0.2"});
  now += 29s;
  EXPECT_EQ(*resolver->cached("api"), Addresses{"10.0.0.1"});
  settle();
  EXPECT_EQ(names.lookups("api"), 1);
  now += 1s;
  EXPECT_EQ(*resolver->cached("api"), Addresses{"10.0.0.1"});
  settle();
  EXPECT_EQ(names.lookups("api"), 2);
  EXPECT_EQ(*resolver->cached("api"), Addresses{"10.0.0.2"});
}

TEST_F(ResolverTest, AnAnswerThatLayIdleIsLookedUpAnew) {
  names.set("api", {"10.0.0.1"});
  resolve("api");
  names.set("api", {"10.0.0.2"});
  now += 30s;
  EXPECT_EQ(resolver->cached("api"), nullptr);
  EXPECT_EQ(resolve("api").addresses, Addresses{"10.0.0.2"});
}

TEST_F(ResolverTest, AFailedRefreshKeepsTheLastGoodAnswer) {
  names.set("api", {"10.0.0.1"});
  resolve("api");
  names.set("api", {});
  for (int i = 0; i < 10; ++i) {
    now += 20s;
    ASSERT_TRUE(resolver->cached("api")) << i;
    settle();
  }
  EXPECT_EQ(names.lookups("api"), 6);
  now += 1h;
  EXPECT_EQ(resolve("api").addresses, Addresses{"10.0.0.1"});
}

TEST_F(ResolverTest, AHangingRefreshDelaysNobodyWhoUsesTheName) {
  names.set("api", {"10.0.0.1"});
  resolve("api");
  names.hold("api");
  for (int i = 0; i < 5; ++i) {
    now += 20s;
    EXPECT_EQ(resolve("api").addresses, Addresses{"10.0.0.1"});
  }
  names.release("api");
  settle();
  EXPECT_EQ(names.lookups("api"), 2);
}

TEST_F(ResolverTest, HangingNamesDoNotDelayAnother) {
  names.set("api", {"10.0.0.1"});
  names.hold("hang1");
  names.hold("hang2");
  Resolution first, second;
  TaskGroup group(loop);
  group.spawn(store(*resolver, "hang1", first));
  group.spawn(store(*resolver, "hang2", second));
  EXPECT_EQ(resolve("api").addresses, Addresses{"10.0.0.1"});
  names.release_all();
  loop.run();
  EXPECT_FALSE(first);
}

TEST_F(ResolverTest, HangingRefreshesTakeOneThreadOnly) {
  for (std::string host : {"a", "b", "c"}) {
    names.set(host, {"10.0.0.1"});
    resolve(host);
    names.hold(host);
  }
  now += 20s;
  for (std::string host : {"a", "b", "c"}) resolve(host);
  now += 20s;
  for (std::string host : {"a", "b", "c"}) EXPECT_TRUE(resolver->cached(host));
  names.set("new1", {"10.0.0.2"});
  EXPECT_TRUE(resolve("new1"));
  names.wait_for_lookups("a", 2);
  EXPECT_EQ(names.lookups("b"), 1);
  names.release_all();
  settle();
  EXPECT_EQ(names.lookups("c"), 2);
}

TEST_F(ResolverTest, OneThreadOfThePoolStaysFree) {
  std::vector<Resolution> results(Resolver::kAtOnce + 1);
  TaskGroup group(loop);
  for (std::size_t i = 0; i < results.size(); ++i) {
    names.hold("hang" + std::to_string(i));
    group.spawn(store(*resolver, "hang" + std::to_string(i), results[i]));
  }
  std::thread later([&] {
    for (std::size_t i = 0; i < Resolver::kAtOnce; ++i) names.wait_for_lookups("hang" + std::to_string(i), 1);
    EXPECT_EQ(names.lookups("hang3"), 0);
    names.release_all();
  });
  loop.run();
  later.join();
  EXPECT_EQ(names.lookups("hang3"), 1);
}

TEST_F(ResolverTest, AWaiterThatGivesUpLeavesNothingBehind) {
  names.set("api", {"10.0.0.1"});
  names.hold("api");
  Resolution first, second;
  auto group = std::make_unique<TaskGroup>(loop);
  TaskGroup patient(loop);
  group->spawn(store(*resolver, "api", first));
  patient.spawn(store(*resolver, "api", second));
  loop.queue().run();
  group.reset();
  names.release("api");
  loop.run();
  EXPECT_TRUE(first.addresses.empty());
  EXPECT_EQ(second.addresses, Addresses{"10.0.0.1"});
}

TEST_F(ResolverTest, AWaiterMayGoBetweenItsAnswerAndItsTurn) {
  names.set("api", {"10.0.0.1"});
  Resolution first, second;
  auto other = std::make_unique<TaskGroup>(loop);
  TaskGroup group(loop);
  auto end_other = [](Resolver& names_of, std::unique_ptr<TaskGroup>& victim) -> Task<> {
    auto found = co_await names_of.resolve("api");
    victim.reset();  // its waiter is behind ours in the run queue
    EXPECT_TRUE(found);
  };
  group.spawn(end_other(*resolver, other));
  loop.queue().run();
  other->spawn(store(*resolver, "api", second));
  loop.run();
  EXPECT_EQ(other, nullptr);
  EXPECT_TRUE(second.addresses.empty());
}

TEST_F(ResolverTest, ANameThatAllGaveUpIsNotLookedUp) {
  std::vector<Resolution> results(Resolver::kAtOnce);
  Resolution given_up;
  TaskGroup group(loop);
  for (std::size_t i = 0; i < results.size(); ++i) {
    names.hold("hang" + std::to_string(i));
    group.spawn(store(*resolver, "hang" + std::to_string(i), results[i]));
  }
  auto impatient = std::make_unique<TaskGroup>(loop);
  impatient->spawn(store(*resolver, "late", given_up));
  loop.queue().run();
  impatient.reset();
  names.release_all();
  loop.run();
  EXPECT_EQ(names.lookups("late"), 0);
}

TEST_F(ResolverTest, AnAddressThatFailedIsTriedLastForHalfAMinute) {
  names.set("api", {"::1", "10.0.0.1", "10.0.0.2"});
  resolve("api");
  resolver->failed("api", "::1", now);
  EXPECT_EQ(*resolver->cached("api"), (Addresses{"10.0.0.1", "10.0.0.2", "::1"}));
  now += 20s;
  resolver->failed("api", "10.0.0.1", now);
  EXPECT_EQ(*resolver->cached("api"), (Addresses{"10.0.0.2", "::1", "10.0.0.1"}));
  now += 10s;
  EXPECT_EQ(*resolver->cached("api"), (Addresses{"::1", "10.0.0.2", "10.0.0.1"}));
  settle();
}

TEST_F(ResolverTest, WhenAllAddressesFailedTheOneThatFailedLongestAgoIsFirst) {
  names.set("api", {"10.0.0.1", "10.0.0.2"});
  resolve("api");
  resolver->failed("api", "10.0.0.2", now);
  resolver->failed("api", "10.0.0.1", now + 1s);
  EXPECT_EQ(*resolver->cached("api"), (Addresses{"10.0.0.2", "10.0.0.1"}));
}

TEST_F(ResolverTest, FailuresOfStrangersAreIgnored) {
  resolver->failed("nobody", "10.0.0.1", now);
  names.set("api", {"10.0.0.1", "10.0.0.2"});
  resolve("api");
  resolver->failed("api", "10.9.9.9", now);
  EXPECT_EQ(*resolver->cached("api"), (Addresses{"10.0.0.1", "10.0.0.2"}));
}

TEST_F(ResolverTest, ForgetsTheNameNotUsedForLongest) {
  for (std::size_t i = 0; i < Resolver::kMostHosts; ++i) {
    now += 1ms;
    resolver->cached("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256));
  }
  names.set("api", {"10.0.0.1"});
  now += 1ms;
  resolve("api");
  now += 1ms;
  resolver->cached("11.0.0.1");
  EXPECT_TRUE(resolver->cached("api"));
  EXPECT_EQ(names.lookups("api"), 1);
}

TEST_F(ResolverTest, AQueuedLookupIsCancelledWithItsResolver) {
  resolver->cached("10.0.0.1");
  resolver.reset();
  EXPECT_FALSE(loop.abandoned());
}

TEST_F(ResolverTest, AFinishedLookupIsNotAbandoned) {
  names.set("api", {"10.0.0.1"});
  Resolution found;
  {
    TaskGroup group(loop);
    group.spawn(store(*resolver, "api", found));
    loop.queue().run();
    names.wait_for_lookups("api", 1);
    resolve("other");
  }
  loop.run();
  resolver.reset();
  EXPECT_FALSE(loop.abandoned());
}

TEST(ResolverDeath, AHangingLookupIsLeftBehindAndFreesItselfWhenItReturns) {
  Names names;
  names.hold("hang");
  auto loop = std::make_unique<Loop>();
  uv_loop_t* uv = loop->uv();
  Resolution found;
  {
    ResolverOptions options;
    options.lookup = [&](const char* name, const char*, const addrinfo* hints, addrinfo** result) {
      return names.lookup(name, hints, result);
    };
    Resolver resolver(*loop, options);
    TaskGroup group(*loop);
    group.spawn(store(resolver, "hang", found));
    loop->queue().run();
    names.wait_for_lookups("hang", 1);
  }
  EXPECT_TRUE(loop->abandoned());
  loop.reset();  // does not wait for it
  names.release("hang");
  uv_run(uv, UV_RUN_DEFAULT);  // the pool returns the block
  EXPECT_EQ(uv_loop_close(uv), 0);
  delete uv;
}

TEST(ResolverOfTheSystem, KnowsLocalhost) {
  Loop loop;
  Resolver resolver(loop);
  Resolution found = loop.run(resolver.resolve("localhost"));
  ASSERT_TRUE(found) << found.error;
  EXPECT_TRUE(found.addresses[0] == "127.0.0.1" || found.addresses[0] == "::1") << found.addresses[0];
}

}  // namespace
}  // namespace linegate
