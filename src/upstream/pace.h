// Pace: how fast an API may be asked. A configured rate (token bucket), a gate that the API closes with
// Retry-After, and its quota fields, which slow it down before it has to say 429. Pure policy: time is passed
// in. What it lets go it lets go through a Gate, together with a place.
//
// Retry-After closes the gate for everybody. When that time has passed one probe goes out; when that was
// answered without a new Retry-After the others follow: at the configured rate from an empty bucket, and
// never more than two for each answer (1, 2, 4 ... at a time), so that they do not all come at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/token_bucket.h"
#include "upstream/quota.h"

namespace linegate {

struct PaceOptions {
  double per_second = 0;    // 0 = no rate
  double burst = 0;         // with a rate: at least 1
  Duration gate_max = 60s;  // the longest that one Retry-After closes the gate
  std::size_t max_in_flight = 64;  // the release after a closed gate is over when so many may go at once
};

class Pace {
 public:
  enum class State { open, closed, probing, releasing };

  // One request that was let go. Destroyed before it was spent, it gives its token back; before it was
  // answered, its place as a probe. The pace must outlive it.
  class [[nodiscard]] Turn {
   public:
    Turn() = default;
    Turn(Turn&& other) noexcept;
    Turn& operator=(Turn&& other) noexcept;
    ~Turn();
    void spend();             // it is being sent
    void answered(Time now);  // the API answered, or failed: anything but a new Retry-After

   private:
    friend class Pace;
    Pace* pace_ = nullptr;
  };

  Pace(PaceOptions options, Time now);

  // One may go now, and does.
  std::optional<Turn> go(Time now);

  // When go() should be asked again; `now` if at once; Time::max() if not before an answer comes (a probe is
  // under way).
  Time next(Time now) const;

  // When a request would go at the earliest that has `ahead` others in front of it, by rate, gate and quota
  // alone. For refusing at once what would wait too long.
  Time estimate(Time now, std::size_t ahead) const;

  // 429 or 503 with Retry-After: closes the gate for min(wait, gate_max) from now. A gate that is closed for
  // longer stays so.
  void close(Time now, Duration wait);
  // What the API says of its quota; see quota.h.
  void learn(Time now, const Quota& quota);

  State state(Time now) const;
  // Until the gate opens for a probe; zero when it is open.
  Duration closed_for(Time now) const;
  // Something holds requests back now, or may soon: a rate, a gate, a quota. Without, go() is free.
  bool limited() const;
};

std::string_view name(Pace::State state);  // "open", "closed", "probing", "releasing": stable

}  // namespace linegate
