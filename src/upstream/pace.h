// Pace: how fast an API may be asked. A configured rate (token bucket), a gate that the API closes with
// Retry-After, and its quota fields, which slow it down before it has to say 429. Pure policy: time is passed
// in. What it lets go it lets go through a Gate, together with a place.
//
// Retry-After closes the gate for everybody. When that time has passed one probe goes out; when that was
// answered without a new Retry-After the others follow: at the configured rate from an empty bucket, and
// never more at a time than one for each answer so far (1, 2, 4 ... from one round trip to the next), so that
// they do not all come at once. That ends when max_in_flight may go at a time, with or without a rate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/token_bucket.h"
#include "upstream/learned_quota.h"
#include "upstream/quota.h"

namespace linegate {

struct PaceOptions {
  double per_second = 0;           // 0 = no rate
  double burst = 0;                // with a rate: at least 1
  Duration gate_max = 60s;         // the longest that one Retry-After, or a quota, holds requests back
  std::size_t max_in_flight = 64;  // the release after a closed gate is over when so many may go at once
  bool learn = false;              // learn() will be called: what is in flight is counted from the beginning
};

class Pace {
 public:
  enum class State { open, closed, probing, releasing };

  // One request that was let go. Destroyed before it was spent, it gives its token back; before it was
  // answered, its place as a probe. The pace must outlive it. Empty where nothing limits.
  class [[nodiscard]] Turn {
   public:
    Turn() = default;
    Turn(Turn&& other) noexcept
        : pace_(std::exchange(other.pace_, nullptr)),
          closings_(other.closings_),
          released_(other.released_),
          spent_(other.spent_) {}
    Turn& operator=(Turn&& other) noexcept {
      std::swap(pace_, other.pace_);
      std::swap(closings_, other.closings_);
      std::swap(released_, other.released_);
      std::swap(spent_, other.spent_);
      return *this;
    }
    ~Turn() {
      if (pace_) pace_->end(*this);
    }
    void spend() { spent_ = true; }  // it is being sent
    // The API answered, or failed: anything but a new Retry-After. After that, learn(), if it told its quota.
    void answered() {
      if (pace_) std::exchange(pace_, nullptr)->count_answer(*this);
    }

   private:
    friend class Pace;
    Turn(Pace& pace, std::uint32_t closings, bool released)
        : pace_(&pace), closings_(closings), released_(released) {}
    Pace* pace_ = nullptr;
    std::uint32_t closings_ = 0;  // as many as there had been: a later one has nothing to do with it
    bool released_ = false;       // it is the probe, or one of those that follow it
    bool spent_ = false;
  };

  Pace(PaceOptions options, Time now);
  Pace(const Pace&) = delete;
  Pace& operator=(const Pace&) = delete;

  // One may go now, and does.
  std::optional<Turn> go(Time now) {
    if (!limited()) return Turn();
    return go_limited(now);
  }

  // When go() should be asked again; `now` if at once; Time::max() if not before an answer comes (a probe is
  // under way).
  Time next(Time now) const;

  // When a request would go at the earliest that has `ahead` others in front of it, by rate, gate and quota
  // alone. For refusing at once what would wait too long.
  Time estimate(Time now, std::size_t ahead) const;

  // 429 or 503 with Retry-After: closes the gate for min(wait, gate_max) from now. A gate that is closed for
  // longer stays so. Wins over answered(), before it or after it.
  void close(Time now, Duration wait);
  // What the API says of its quota; see quota.h.
  void learn(Time now, const Quota& quota) { quota_.learn(now, quota); }

  State state(Time now) const;
  // Until the gate opens for a probe; zero when it is open.
  Duration closed_for(Time now) const;
  // Something holds requests back now, or may soon: a rate, a gate, a quota. Without, go() is free.
  bool limited() const { return counts_ || gated_ || quota_.known(); }

 private:
  std::optional<Turn> go_limited(Time now);
  Time rate_ready_at(Time now, std::size_t ahead) const;
  bool probe_due() const { return gated_ && allowed_ == 1 && out_ == 0; }
  bool belongs(const Turn& turn) const { return turn.released_ && turn.closings_ == closings_; }
  void end(const Turn& turn);
  void count_answer(Turn& turn);

  PaceOptions options_;
  std::optional<TokenBucket> bucket_;
  LearnedQuota quota_;
  bool counts_;         // whatever happens, each request has to be counted
  bool gated_ = false;  // not open: closed, probing or releasing
  Time closed_until_{};
  std::uint32_t closings_ = 0;
  std::size_t allowed_ = 0;  // so many may be under way; 1 is the probe
  std::size_t out_ = 0;      // so many are, of those let go since the gate was closed
};

std::string_view name(Pace::State state);  // "open", "closed", "probing", "releasing": stable

}  // namespace linegate
