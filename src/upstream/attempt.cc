// One attempt: breaker, waiting room, transfer, and what follows from its end for all who come later.
#include <algorithm>
#include <ctime>
#include <utility>

#include "http/date.h"
#include "upstream/upstream.h"

namespace linegate {
namespace {

HttpError refusal(ErrorKind kind, const char* message, std::optional<Duration> retry_after = {}) {
  HttpError error;
  error.kind = kind;
  error.message = message;
  error.phase = Phase::queue;
  error.retry_after = retry_after;
  return error;
}

HttpError queue_full() {
  return refusal(ErrorKind::overloaded, "too many requests wait for this upstream");
}

// Half open, it may close at any moment: nobody knows when to come again.
HttpError breaker_open(const Breaker& breaker, Time at) {
  auto wait = breaker.state(at) == Breaker::State::open ? std::optional(breaker.open_for(at)) : std::nullopt;
  return refusal(ErrorKind::breaker, "the upstream keeps failing and is left alone for a while", wait);
}

HttpError too_fast(const Pace& pace, Time at, Duration wait) {
  bool closed = pace.closed_for(at) > Duration::zero();
  return refusal(ErrorKind::rate_limited,
                 closed ? "the upstream asked to be left alone for a while (Retry-After)"
                        : "the upstream's rate limit leaves no room in time",
                 wait);
}

enum class Verdict { success, failure, none };

// What an attempt's end says of the API. None: it was our own doing, or the client's.
Verdict verdict_of(const Response& response) {
  bool answered = !response.error || response.error->kind == ErrorKind::too_large;
  if (answered) return is_failure_status(response.status) ? Verdict::failure : Verdict::success;
  const HttpError& error = *response.error;
  if (error.stale_connection) return Verdict::none;
  switch (error.kind) {
    case ErrorKind::dns:
    case ErrorKind::connect:
    case ErrorKind::tls:
    case ErrorKind::reset:
    case ErrorKind::bad_payload:
      return Verdict::failure;
    case ErrorKind::timeout:
      return error.limit == Limit::client || error.phase == Phase::queue ? Verdict::none : Verdict::failure;
    default:
      return Verdict::none;
  }
}

}  // namespace

// What it needs only once it has its place lies in exchange()'s frame, not in this one.
Task<> Upstream::attempt(Flight& flight, Attempt& tried) {
  Gate::Permit permit;
  try_to_enter(flight, tried, permit);
  if (!tried.refused && !permit) {
    Time came = now();
    while (!tried.refused && !permit) {
      Place waiting(session_.loop(), gate_, flight.options.client, flight.queue_until);
      auto verdict = co_await waiting;
      permit = waiting.take();
      leave_waiting_room(verdict, flight, tried, permit);
    }
    tried.queue = now() - came;
  }
  if (!tried.refused) co_await exchange(flight, tried, permit);
}

// A place at once, or the reason why there will be none in time; else it has to be waited for.
void Upstream::try_to_enter(const Flight& flight, Attempt& tried, Gate::Permit& permit) {
  Time at = now();
  const Breaker& guard = breaker(flight.options);
  if (!guard.would_allow(at)) return tried.refuse(breaker_open(guard, at));
  permit = gate_.try_enter();
  if (permit || !pace_.limited()) return;
  Time goes = pace_.estimate(at, gate_.ahead_of(flight.options.client));
  if (goes > std::min(flight.patience(), flight.queue_until.deadline.at))
    tried.refuse(too_fast(pace_, at, goes - at));
}

// The wait has ended: with a place, with a refusal, or it has to be begun again.
void Upstream::leave_waiting_room(Place::Verdict verdict, const Flight& flight, Attempt& tried,
                                  Gate::Permit& permit) {
  Time at = now();
  switch (verdict) {
    case Place::Verdict::full:
      return tried.refuse(queue_full());
    case Place::Verdict::too_late:
      return tried.refuse(too_fast(pace_, at, pace_.closed_for(at)));
    case Place::Verdict::expired:
      return tried.refuse(timeout_error(Phase::queue, flight.queue_until, false));
    case Place::Verdict::granted:
      break;
  }
  if (pace_.closed_for(at) <= Duration::zero()) return;
  // A Retry-After came between the grant and now.
  permit.release();
  try_to_enter(flight, tried, permit);
}

// Not inline: clang would make its frame a part of attempt()'s.
[[gnu::noinline]] Task<> Upstream::exchange(Flight& flight, Attempt& tried, Gate::Permit& permit) {
  auto pass = breaker(flight.options).allow(now());
  if (!pass) {
    tried.refuse(breaker_open(breaker(flight.options), now()));
    co_return;
  }
  permit.turn().spend();
  tried.began = now();
  auto response = std::make_shared<Response>();
  for (;;) {
    ++stats_.attempts;
    ++flight.so_far.attempts;
    co_await session_.send(*origin_, flight.request, flight.send, *response);
    bool stale = response->error && response->error->stale_connection;
    if (!stale || !flight.repeatable() || flight.send.fresh_connection) break;
    ++stats_.replays;
    flight.send.fresh_connection = true;
  }
  tried.upstream = now() - tried.began;
  judge(*response, *pass, permit.turn());
  if (measures_latency_ && verdict_of(*response) == Verdict::success) latency_.add(now(), tried.upstream);
  tried.response = std::move(response);
}

void Upstream::judge(const Response& response, Breaker::Pass& pass, Pace::Turn& turn) {
  Time at = now();
  Verdict verdict = verdict_of(response);
  if (verdict == Verdict::success) pass.succeeded(at);
  if (verdict == Verdict::failure) pass.failed(at);
  if (verdict != Verdict::none) turn.answered();
  if (response.status != 0) heed(response, at);
  gate_.admit();
}

// What the API says of how fast it may be asked.
void Upstream::heed(const Response& response, Time at) {
  std::int64_t wall = std::time(nullptr);
  if (response.status == 429 || response.status == 503) {
    auto field = response.headers.get("Retry-After");
    auto wait = field ? parse_retry_after(*field, wall) : std::nullopt;
    if (wait) close(at, *wait);
  }
  if (!options_.pace.learn) return;
  if (auto quota = read_quota(response.headers, wall)) pace_.learn(at, *quota);
}

// Who waits already is told at once what those who come later are told.
void Upstream::close(Time at, Duration wait) {
  pace_.close(at, wait);
  gate_.refuse_until(time_after(at, pace_.closed_for(at)));
}

// How long to wait before the next attempt; nullopt: there is none.
std::optional<Duration> Upstream::pause_before_retry(const Flight& flight, unsigned tries) {
  const RetryOptions& retry = flight.policy().retry;
  bool for_nobody = flight.deserted() && !flight.background && flight.effect == Effect::none;
  if (for_nobody || !flight.repeatable() || tries >= retry.attempts) return std::nullopt;
  if (!worth_retrying(retry, *flight.so_far.response)) return std::nullopt;
  Time at = now();
  double chance = std::uniform_real_distribution<double>(0, 1)(chance_);
  Duration pause = std::max(backoff(retry, tries, chance), pace_.closed_for(at));
  if (time_after(at, pause) >= flight.patience() || !retry_budget_.take(at)) return std::nullopt;
  return pause;
}

}  // namespace linegate
