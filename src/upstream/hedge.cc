// Hedging: a second attempt where the first is slower than most. The first good answer wins, the other
// attempt is cancelled.
#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "coro/event.h"
#include "loop/sleep.h"
#include "upstream/upstream.h"

namespace linegate {
namespace {

constexpr double kSlow = 0.95;

bool is_good(const Response& response) {
  return !response.error && !is_failure_status(response.status);
}

Task<> wait_for(Event& event) {
  co_await event.wait();
}

}  // namespace

// Two attempts of one flight. Owned by the frame of race(), which outlives both.
struct Upstream::Race {
  explicit Race(RunQueue& queue) : step(queue), runners(queue, {fail, this}) {}
  bool won(std::size_t which) const { return done[which] && is_good(*tries[which].response); }
  bool over() const { return won(0) || won(1) || finished == started || exception; }
  static void fail(void* race, std::exception_ptr error) {
    static_cast<Race*>(race)->exception = std::move(error);
    static_cast<Race*>(race)->step.set();
  }

  std::array<Attempt, 2> tries;
  std::array<bool, 2> done{};
  std::size_t started = 0;
  std::size_t finished = 0;
  std::exception_ptr exception;  // of one of them: that of the flight
  Event step;                    // one of them has ended
  TaskGroup runners;
};

// After how long a second attempt is worth it; nullopt: never.
std::optional<Duration> Upstream::hedge_delay(const Flight& flight) {
  const auto& hedge = flight.policy().hedge;
  if (!hedge || flight.effect != Effect::none) return std::nullopt;
  measures_latency_ = true;
  hedge_budget(*hedge).add_request(now());
  return hedge->p95 ? latency_.at(now(), kSlow) : hedge->after;
}

RetryBudget& Upstream::hedge_budget(const HedgeOptions& hedge) {
  return hedge_budgets_.try_emplace(hedge.budget, hedge.budget, 0.0, now()).first->second;
}

// Not inline: clang would make its frame a part of every flight's.
[[gnu::noinline]] Task<> Upstream::race(Flight& flight, Attempt& winner, Duration delay) {
  Race race(session_.loop());
  race.runners.spawn(run_in_race(flight, race, race.started++));
  auto slow = co_await is_slow(race, delay);
  bool has_place = gate_.waiting() == 0 && gate_.has_place();
  if (slow && has_place && hedge_budget(*flight.policy().hedge).take(now())) {
    ++stats_.hedges;
    race.runners.spawn(run_in_race(flight, race, race.started++));
  }
  while (!race.over()) {
    race.step.clear();
    co_await race.step.wait();
  }
  if (race.exception) std::rethrow_exception(race.exception);
  std::size_t which = race.won(1) && !race.won(0) ? 1 : 0;
  // The slow one took at least so long; without it, what hedging cuts off would look fast.
  if (!race.done[0]) latency_.add(now(), now() - race.tries[0].began);
  winner = std::move(race.tries[which]);
}

// Waits for the first attempt. True: it has been under way for `delay`. That counts from when it was sent:
// waiting for a place is no reason to ask for another.
Task<bool> Upstream::is_slow(Race& race, Duration delay) {
  const Attempt& first = race.tries[0];
  while (!race.over()) {
    bool sent = first.began != Time::max();
    Duration rest = sent ? time_after(first.began, delay) - now() : std::max<Duration>(delay, 1ms);
    if (rest <= Duration::zero()) co_return true;
    co_await with_timeout(session_.loop(), rest, wait_for(race.step));
  }
  co_return false;
}

Task<> Upstream::run_in_race(Flight& flight, Race& race, std::size_t which) {
  co_await attempt(flight, race.tries[which]);
  race.done[which] = true;
  ++race.finished;
  race.step.set();
}

}  // namespace linegate
