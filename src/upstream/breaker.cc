#include "upstream/breaker.h"

#include <algorithm>

namespace linegate {

Breaker::Pass::Pass(Pass&& other) noexcept
    : breaker_(std::exchange(other.breaker_, nullptr)), term_(other.term_), event_(other.event_) {}

Breaker::Pass& Breaker::Pass::operator=(Pass&& other) noexcept {
  Pass taken(std::move(other));  // and then withdraws what was here
  std::swap(breaker_, taken.breaker_);
  std::swap(term_, taken.term_);
  std::swap(event_, taken.event_);
  return *this;
}

Breaker::Pass::~Pass() {
  if (breaker_) breaker_->withdrawn(*this);
}

void Breaker::Pass::succeeded(Time now) {
  if (Breaker* breaker = std::exchange(breaker_, nullptr)) breaker->succeeded(*this, now);
}

void Breaker::Pass::failed(Time now) {
  if (Breaker* breaker = std::exchange(breaker_, nullptr)) breaker->failed(*this, now);
}

Breaker::Breaker(BreakerOptions options)
    : options_(options), slice_width_(std::max(Duration(1), options.window / Duration::rep{kSlices})) {
  options_.half_open = std::max<std::uint64_t>(1, options_.half_open);
}

bool Breaker::would_allow(Time now) const {
  switch (state(now)) {
    case State::closed:
      return true;
    case State::open:
      return false;
    case State::half_open:
      return probes_ < options_.half_open;
  }
  return true;
}

std::optional<Breaker::Pass> Breaker::allow(Time now) {
  if (!options_.enabled) return Pass();
  if (!would_allow(now)) return std::nullopt;
  if (state(now) == State::half_open) {
    if (state_ == State::open) begin(State::half_open);
    ++probes_;
  }
  return Pass(*this, term_, events_);
}

Breaker::State Breaker::state(Time now) const {
  return state_ == State::open && now >= open_until_ ? State::half_open : state_;
}

Duration Breaker::open_for(Time now) const {
  return state(now) == State::open ? open_until_ - now : Duration{};
}

void Breaker::succeeded(const Pass& pass, Time now) {
  if (pass.term_ != term_) return;
  if (state_ == State::half_open) {
    --probes_;
    if (++probes_succeeded_ >= options_.half_open) begin(State::closed);
    return;
  }
  in_a_row_ = 0;
  ++slice(now).ended;
}

void Breaker::failed(const Pass& pass, Time now) {
  if (pass.term_ != term_) return;
  if (state_ == State::half_open) return open(now);
  ++slice(now).ended;
  ++slice(now).failed;
  if (pass.event_ == events_) {
    ++events_;
    ++in_a_row_;
  }
  if (in_a_row_ >= options_.consecutive || too_many_failed(now)) open(now);
}

void Breaker::withdrawn(const Pass& pass) {
  if (pass.term_ == term_ && state_ == State::half_open) --probes_;
}

void Breaker::open(Time now) {
  begin(State::open);
  open_until_ = time_after(now, options_.open_for);
  ++times_opened_;
}

void Breaker::begin(State state) {
  state_ = state;
  ++term_;
  in_a_row_ = 0;
  slices_ = {};
  probes_ = probes_succeeded_ = 0;
}

std::int64_t Breaker::slice_number(Time now) const {
  return now.time_since_epoch() / slice_width_;
}

Breaker::Slice& Breaker::slice(Time now) {
  const std::int64_t number = slice_number(now);
  Slice& found = slices_[static_cast<std::size_t>(number) % kSlices];
  if (found.number != number) found = {.number = number};
  return found;
}

bool Breaker::too_many_failed(Time now) const {
  const std::int64_t last_gone = slice_number(now) - std::int64_t{kSlices};
  std::uint64_t ended = 0;
  std::uint64_t failed = 0;
  for (const Slice& one : slices_) {
    if (one.number <= last_gone) continue;
    ended += one.ended;
    failed += one.failed;
  }
  // Divided rather than multiplied: 7 of 100 are exactly the 0.07 that somebody has written.
  return ended >= options_.min_requests &&
         static_cast<double>(failed) / static_cast<double>(ended) >= options_.failure_ratio;
}

std::string_view name(Breaker::State state) {
  switch (state) {
    case Breaker::State::closed:
      return "closed";
    case Breaker::State::open:
      return "open";
    case Breaker::State::half_open:
      return "half_open";
  }
  return {};
}

}  // namespace linegate
