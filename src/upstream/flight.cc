#include "upstream/flight.h"

#include <algorithm>
#include <utility>

namespace linegate {
namespace {

constexpr Duration kGrace = 100ms;

Deadline later(const Deadline& one, const Deadline& other) {
  return one.at < other.at ? other : one;
}

// For those who wait for a flight that an exception ended.
Outcome broken(bool sent) {
  HttpError error;
  error.kind = ErrorKind::bad_request;
  error.message = "the request broke off for a reason of our own";
  error.sent = sent;
  Outcome outcome;
  outcome.response = std::make_shared<Response>(Response::failed(std::move(error)));
  return outcome;
}

}  // namespace

// ---- one caller

FlightWait::FlightWait(Loop& loop, Flight& flight, Expiry until, bool may_be_stale)
    : Timer(loop.timers()),
      loop_(loop),
      flight_(&flight),
      until_(until),
      may_be_stale_(may_be_stale),
      leads_(!std::exchange(flight.led_, true)) {
  flight.waits_.push_back(*this);
}

FlightWait::~FlightWait() {
  leave();
}

void FlightWait::await_suspend(std::coroutine_handle<> frame) {
  waiter_.frame = frame;
  if (until_.deadline.at != Time::max()) arm(until_.deadline.at);
}

void FlightWait::on_timer() {
  Flight& flight = *flight_;
  // Where the flight's own total ends with this caller's, the flight ends by it now and knows best how. This
  // is only the net below it.
  bool with_flight = until_.limit == Limit::total && flight.send.clocks.total.at <= until_.deadline.at;
  if (with_flight && deadline() == until_.deadline.at) return arm(until_.deadline.at + kGrace);
  Time now = loop_.now();
  Outcome outcome = flight.so_far;
  if (may_be_stale_ && flight.has_stale(now)) {
    outcome.response = flight.old->response;
    outcome.source = Source::stale;
    outcome.age = flight.old->age(now);
  } else {
    outcome.response = std::make_shared<Response>(
        Response::failed(timeout_error(flight.progress.phase, until_, flight.progress.sent)));
  }
  leave();
  wake(std::move(outcome));
}

void FlightWait::wake(Outcome outcome) {
  cancel();
  unlink();
  flight_ = nullptr;
  outcome_ = std::move(outcome);
  loop_.queue().post(waiter_);
}

void FlightWait::leave() {
  unlink();
  if (Flight* flight = std::exchange(flight_, nullptr); flight && flight->deserted())
    flight->owner_.on_deserted(*flight);
}

// ---- the flight

Flight::Flight(Owner& owner, Request what, CallOptions how)
    : request(std::move(what)), options(std::move(how)), effect(effect_of(request, options)), owner_(owner) {
  send.progress = &progress;
  send.clocks.connect = policy().timeouts.connect;
  send.clocks.first_byte = policy().timeouts.first_byte;
  send.clocks.total = {Time::min(), {}};
}

Flight::~Flight() {
  owner_.on_gone(*this);
  if (!waits_.empty()) land(broken(progress.sent), true, false, Time{});
}

bool Flight::must_finish() const {
  if (background) return true;
  if (!progress.sent) return false;
  bool fills_cache = effect == Effect::none && may_store &&
                     (policy().cache.mode == CacheMode::override_ttl || old != nullptr);
  return effect == Effect::keyed || effect == Effect::once || fills_cache;
}

void Flight::admit(const Deadline& total, const Deadline& client, const Deadline& queue) {
  send.clocks.total = later(send.clocks.total, total);
  patience_ = std::max(patience_, std::min(total.at, client.at));
  if (progress.phase == Phase::queue) queue_ = later(queue_, queue);
  limit_queue();
}

void Flight::wait_again(Time now) {
  progress.phase = Phase::queue;
  Duration allowed = policy().timeouts.queue;
  queue_ = {time_after(now, std::max(allowed - so_far.queue, Duration::zero())), allowed};
  limit_queue();
}

void Flight::limit_queue() {
  queue_until = earliest({queue_, Limit::queue}, send.clocks);
}

void Flight::land(const Outcome& outcome, bool shared, bool failed, Time now) {
  bool first = true;
  while (!waits_.empty()) {
    FlightWait& wait = waits_.pop_front();
    wait.wake(answer(wait, outcome, shared || std::exchange(first, false), failed, now));
  }
}

Outcome Flight::answer(const FlightWait& wait, const Outcome& outcome, bool may_have, bool failed,
                       Time now) const {
  if (failed && wait.may_be_stale_ && has_stale(now)) {
    Outcome stale = outcome;
    stale.response = old->response;
    stale.source = Source::stale;
    stale.age = old->age(now);
    return stale;
  }
  if (!may_have) return {};
  Outcome own = outcome;
  if (!wait.leads_) own.source = Source::coalesced;
  return own;
}

}  // namespace linegate
