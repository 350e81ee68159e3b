// Circuit breaker: an API that keeps failing is left alone for a while, then asked again with a few real
// requests. Works when there is only one host. Pure policy: time is passed in, it awaits nothing.
//
// It opens after `consecutive` failures in a row, or when at least `failure_ratio` of at least `min_requests`
// requests of the last `window` (known to a tenth of it) failed; a failure opens it, never a success.
// `open_for` later it is half open: at most `half_open` probes at a time; as many successes close it, one
// failure opens it again.
//
// What breaks many requests at once is one event: to the failures in a row adds only that of an attempt which
// started after the last one that did was seen. The window counts them all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace linegate {

struct BreakerOptions {
  bool enabled = true;  // false: always closed, counts nothing
  std::uint64_t consecutive = 5;
  Duration window = 10s;
  std::uint64_t min_requests = 20;
  double failure_ratio = 0.5;
  Duration open_for = 5s;
  std::uint64_t half_open = 2;  // at least 1
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
    Pass(Breaker& breaker, std::uint64_t term, std::uint64_t event)
        : breaker_(&breaker), term_(term), event_(event) {}
    Breaker* breaker_ = nullptr;
    std::uint64_t term_ = 0;   // which closed, open or half-open time it began in; a later one ignores it
    std::uint64_t event_ = 0;  // the last one that had been seen when it began
  };

  explicit Breaker(BreakerOptions options);
  Breaker(const Breaker&) = delete;
  Breaker& operator=(const Breaker&) = delete;

  // Asked on entering the waiting room: would allow() say yes? Takes nothing.
  bool would_allow(Time now) const;
  // Asked on leaving it. nullopt: refused.
  std::optional<Pass> allow(Time now);

  State state(Time now) const;
  // How long it will stay open; zero when it is not.
  Duration open_for(Time now) const;
  // By failed probes, too.
  std::uint64_t times_opened() const { return times_opened_; }
  const BreakerOptions& options() const { return options_; }

 private:
  // A tenth of the window. Slices of windows gone by keep their counts until their place is needed.
  struct Slice {
    std::int64_t number = -1;  // since the clock's epoch
    std::uint64_t ended = 0;
    std::uint64_t failed = 0;
  };
  static constexpr std::size_t kSlices = 10;

  void succeeded(const Pass& pass, Time now);
  void failed(const Pass& pass, Time now);
  void withdrawn(const Pass& pass);

  void begin(State state);
  void open(Time now);
  std::int64_t slice_number(Time now) const;
  Slice& slice(Time now);
  bool too_many_failed(Time now) const;

  BreakerOptions options_;
  Duration slice_width_;
  State state_ = State::closed;  // open until somebody asks, though it may be half open: see state()
  std::uint64_t term_ = 0;
  std::uint64_t times_opened_ = 0;

  // While it is closed.
  std::uint64_t events_ = 0;  // the failures that added to in_a_row_, ever
  std::uint64_t in_a_row_ = 0;
  std::array<Slice, kSlices> slices_{};

  Time open_until_{};

  // While it is half open.
  std::uint64_t probes_ = 0;
  std::uint64_t probes_succeeded_ = 0;
};

std::string_view name(Breaker::State state);  // "closed", "open", "half_open": stable

}  // namespace linegate
