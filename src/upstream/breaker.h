// Circuit breaker: an API that keeps failing is left alone for a while, then asked again with a few real
// requests. Works when there is only one host. Pure policy: time is passed in, it awaits nothing.
//
// It opens after `consecutive` failures in a row, or when at least `failure_ratio` of at least `min_requests`
// requests of the last `window` failed. `open_for` later it is half open: at most `half_open` probes at a
// time; as many successes close it, one failure opens it again.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace linegate {

struct BreakerOptions {
  bool enabled = true;
  std::uint64_t consecutive = 5;
  Duration window = 10s;
  std::uint64_t min_requests = 20;
  double failure_ratio = 0.5;
  Duration open_for = 5s;
  std::uint64_t half_open = 2;

  bool operator==(const BreakerOptions&) const = default;
};

class Breaker {
 public:
  enum class State { closed, open, half_open };

  // One attempt that was let through. Says once how it ended; destroyed without a word, it counts neither as
  // success nor as failure, and a probe's place is free again. The breaker must outlive it.
  class [[nodiscard]] Pass {
   public:
    Pass() = default;
    Pass(Pass&& other) noexcept;
    Pass& operator=(Pass&& other) noexcept;
    ~Pass();
    void succeeded(Time now);
    void failed(Time now);

   private:
    friend class Breaker;
    Pass(Breaker& breaker, Time began, std::uint64_t term) : breaker_(&breaker), began_(began), term_(term) {}
    Breaker* breaker_ = nullptr;
    Time began_{};
    std::uint64_t term_ = 0;  // which closed, open or half-open time it began in; a later one ignores it
  };

  explicit Breaker(BreakerOptions options);

  // Asked on entering the waiting room: would allow() say yes? Takes nothing.
  bool would_allow(Time now) const;
  // Asked on leaving it. nullopt: refused.
  std::optional<Pass> allow(Time now);

  State state(Time now) const;
  // How long it will stay open; zero when it is not.
  Duration open_for(Time now) const;
  std::uint64_t times_opened() const;
  const BreakerOptions& options() const { return options_; }

 private:
  BreakerOptions options_;
};

std::string_view name(Breaker::State state);  // "closed", "open", "half_open": stable

}  // namespace linegate
