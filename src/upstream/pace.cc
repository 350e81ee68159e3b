#include "upstream/pace.h"

#include <algorithm>

namespace linegate {

Pace::Pace(PaceOptions options, Time now)
    : options_(options), quota_(options.gate_max), counts_(options.per_second > 0 || options.learn) {
  if (options.per_second > 0) bucket_.emplace(options.per_second, options.burst, now);
}

std::optional<Pace::Turn> Pace::go_limited(Time now) {
  if (quota_.old(now)) quota_.forget();
  if (next(now) > now) return std::nullopt;
  // What came together while the gate was closed would all go at once behind the probe.
  if (bucket_ && probe_due()) bucket_->drain(now, 1);
  if (bucket_ && !bucket_->take(now)) return std::nullopt;
  quota_.went(now);
  if (gated_) ++out_;
  return Turn(*this, closings_, gated_);
}

Time Pace::next(Time now) const {
  if (gated_ && out_ >= allowed_) return Time::max();
  return estimate(now, 0);
}

Time Pace::estimate(Time now, std::size_t ahead) const {
  if (!limited()) return now;
  Time when = std::max(quota_.ready_at(now, ahead), rate_ready_at(now, ahead));
  return gated_ ? std::max(when, closed_until_) : when;
}

Time Pace::rate_ready_at(Time now, std::size_t ahead) const {
  if (!bucket_) return now;
  const double tokens = static_cast<double>(ahead) + 1;
  if (!probe_due()) return bucket_->ready_at(now, tokens);
  const Time probe = std::max(closed_until_, bucket_->ready_at(now));
  TokenBucket then = *bucket_;
  then.drain(probe, 1);
  return then.ready_at(probe, tokens);
}

void Pace::close(Time now, Duration wait) {
  wait = std::clamp(wait, Duration{}, std::max(options_.gate_max, Duration{}));
  closed_until_ = std::max(closed_until_, time_after(now, wait));
  gated_ = true;
  ++closings_;
  allowed_ = 1;
  out_ = 0;
}

void Pace::end(const Turn& turn) {
  if (bucket_ && !turn.spent_) bucket_->give_back();
  quota_.ended(turn.spent_);
  if (belongs(turn)) --out_;
}

void Pace::count_answer(Turn& turn) {
  turn.spend();
  end(turn);
  if (!belongs(turn)) return;
  ++allowed_;
  gated_ = allowed_ < options_.max_in_flight;
}

Pace::State Pace::state(Time now) const {
  if (!gated_) return State::open;
  if (now < closed_until_) return State::closed;
  return allowed_ == 1 ? State::probing : State::releasing;
}

Duration Pace::closed_for(Time now) const {
  return gated_ ? std::max(closed_until_ - now, Duration{}) : Duration{};
}

std::string_view name(Pace::State state) {
  switch (state) {
    case Pace::State::open:
      return "open";
    case Pace::State::closed:
      return "closed";
    case Pace::State::probing:
      return "probing";
    case Pace::State::releasing:
      return "releasing";
  }
  return "open";
}

}  // namespace linegate
