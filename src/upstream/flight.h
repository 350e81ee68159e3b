// A request on its way, for everybody who waits for its answer. It belongs to the upstream, not to its first
// caller: each waits with a deadline of its own, and the flight goes on for those who stay. Not part of the
// interface.
#pragma once

#include <coroutine>

#include "base/compiler.h"
#include "base/link.h"
#include "coro/run_queue.h"
#include "coro/task_group.h"
#include "http/clocks.h"
#include "http/request.h"
#include "loop/loop.h"
#include "loop/timers.h"
#include "upstream/cache.h"
#include "upstream/key.h"
#include "upstream/outcome.h"
#include "upstream/policy.h"

namespace linegate {

class Flight;

// One caller's wait for a flight. Destroying it leaves the flight; so does its deadline.
class FlightWait final : public Link, Timer {
 public:
  // `until` is the caller's own: its total, or its client's. `stale` may be answered where the flight fails.
  FlightWait(Loop& loop, Flight& flight, Expiry until, bool may_be_stale);
  ~FlightWait() override;

  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> frame);
  // A null response: the answer is not for this caller, who has to ask alone.
  Outcome await_resume() { return std::move(outcome_); }

 private:
  friend class Flight;
  void on_timer() override;
  void wake(Outcome outcome);
  void leave();

  Loop& loop_;
  Flight* flight_;  // null once it has landed or was left
  Expiry until_;
  bool may_be_stale_;
  bool leads_;
  Outcome outcome_;
  Waiter waiter_;
};

class Flight : public Link {
 public:
  // Its upstream.
  class Owner {
   public:
    virtual void on_deserted(Flight& flight) = 0;  // its last caller has left
    virtual void on_gone(Flight& flight) = 0;      // it is being destroyed

   protected:
    ~Owner() = default;
  };

  Flight(Owner& owner, Request what, CallOptions how);
  ~Flight();
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  const CallPolicy& policy() const { return *options.policy; }
  bool repeatable() const { return effect != Effect::once; }
  // It goes on though nobody waits any more: it refreshes the cache, or it was sent and is not to be stopped
  // half-way, or its answer will be stored.
  bool must_finish() const;

  // A caller comes, with its own deadlines. The clocks of the flight are the latest of all.
  void admit(const Deadline& total, const Deadline& client, const Deadline& queue);
  // Until when somebody waits, or waited: nothing that ends later is worth beginning.
  Time patience() const { return patience_; }
  // Another attempt begins to wait for a place, for as long as the earlier ones have left over.
  void wait_again(Time now);

  // It refreshes the cache for nobody in particular: whoever joins it is not its first caller.
  void go_in_background() { background = led_ = true; }

  bool deserted() const { return waits_.empty(); }
  bool crowded() { return !deserted() && &waits_.front() != &waits_.back(); }
  // Gives everybody the answer. Not `shared`: only the first may have it. `failed`: who accepts it gets a
  // stale answer instead, if there is one.
  void land(const Outcome& outcome, bool shared, bool failed, Time now);

  Request request;
  CallOptions options;  // the first caller's
  Effect effect;
  RequestKey key;
  StoredPtr old;     // what the cache had when it began
  SendOptions send;  // its deadlines are the latest of those who wait
  Progress progress;
  Expiry queue_until;       // of the wait for a place
  Outcome so_far;           // attempts, and the time they took
  bool joinable = false;    // stands in the upstream's table
  bool background = false;  // see go_in_background()
  bool may_store = false;   // there is a cache for it, and nothing has overtaken or invalidated it
  bool orphaned = false;    // its callers have gone, and it must not be stopped
  TaskGroup::Ref task;

 private:
  friend class FlightWait;
  void limit_queue();
  // What was invalidated meanwhile does not stand in for anything.
  bool has_stale(Time now) const { return may_store && old && old->usable_on_error(now); }
  Outcome answer(const FlightWait& wait, const Outcome& outcome, bool may_have, bool failed, Time now) const;

  Owner& owner_;
  List<FlightWait> waits_;
  Deadline queue_{Time::min(), {}};
  Time patience_ = Time::min();
  bool led_ = false;  // its first caller has come
};

// For sets of flights by their keys. Not noexcept: libstdc++ then keeps each hash beside its pointer, and a
// walk along a bucket does not look into flights that nobody has touched for long.
struct FlightHash {
  using is_transparent = void;
  std::size_t operator()(const Flight* flight) const { return flight->key.hash; }
  std::size_t operator()(const RequestKey& key) const { return key.hash; }
};
struct FlightEqual {
  using is_transparent = void;
  bool operator()(const Flight* one, const Flight* other) const { return one->key.bytes == other->key.bytes; }
  bool operator()(const RequestKey& key, const Flight* flight) const {
    return key.bytes == flight->key.bytes;
  }
  bool operator()(const Flight* flight, const RequestKey& key) const {
    return key.bytes == flight->key.bytes;
  }
};

}  // namespace linegate
