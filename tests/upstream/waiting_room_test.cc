// Gate and Pace together, against what must always hold, whatever happens in whatever order.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "room.h"

namespace linegate {
namespace {

constexpr GateOptions kGate = {.max_in_flight = 6, .max_queue = 40};
constexpr double kPerSecond = 20;
constexpr double kBurst = 4;

class Anybody final : public Gate::Ticket {
 private:
  void on_grant() override {}
  void on_refuse(Gate::Refusal) override {}
  Time patience() const override { return Time::max(); }
};

// Clients that come, leave, are answered or told to come back later, at random.
class Crowd {
 public:
  Crowd(unsigned seed, PaceOptions how) : random_(seed), rated_(how.per_second > 0), room_(kGate, how) {}

  void step() {
    switch (below(8)) {
      case 0:
      case 1:
        arrive();
        break;
      case 2:
        leave();
        break;
      case 3:
      case 4:
        take();
        break;
      case 5:
        finish();
        break;
      case 6:
        room_.advance(std::chrono::milliseconds(below(100)));
        break;
      default:
        surprise();
        break;
    }
    room_.gate.admit();  // as after each answer
    check();
  }

  // Everybody is answered: nobody is forgotten.
  void settle() {
    for (int i = 0; i < 100'000 && room_.gate.waiting() + room_.gate.in_flight() > 0; ++i) {
      take();
      while (!permits_.empty()) answer(permits_.size() - 1);
      room_.gate.admit();
      room_.advance(50ms);
    }
    EXPECT_EQ(room_.gate.waiting(), 0u);
    EXPECT_EQ(room_.gate.in_flight(), 0u);
  }

 private:
  struct Sent {
    Gate::Permit permit;
    unsigned closings;  // as many as there had been
  };

  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  void arrive() {
    auto ticket = std::make_unique<Anybody>();
    if (room_.gate.enqueue(*ticket, below(5))) tickets_.push_back(std::move(ticket));
  }

  void leave() {
    if (!tickets_.empty()) tickets_.erase(tickets_.begin() + below(static_cast<unsigned>(tickets_.size())));
  }

  void take() {
    std::erase_if(tickets_, [&](auto& ticket) {
      if (!ticket->granted()) return false;
      permits_.push_back({ticket->take(), closings_});
      if (below(10) > 0) spend(permits_.back().permit);
      return true;
    });
  }

  void spend(Gate::Permit& permit) {
    permit.turn().spend();
    ++spent_;
    EXPECT_GE(room_.now(), closed_until_) << "one was let go through a closed gate";
  }

  void finish() {
    if (permits_.empty()) return;
    const std::size_t which = below(static_cast<unsigned>(permits_.size()));
    if (below(10) == 0)
      drop(which);
    else
      answer(which);
  }

  void answer(std::size_t which) {
    if (permits_[which].closings == closings_) ++answers_;
    permits_[which].permit.turn().answered();
    drop(which);
  }

  void drop(std::size_t which) { permits_.erase(permits_.begin() + static_cast<std::ptrdiff_t>(which)); }

  void surprise() {
    const Time now = room_.now();
    if (below(20) == 0) {
      tickets_.clear();  // or one that is granted would be spent although the gate was closed since
      const Duration wait = std::chrono::milliseconds(below(2000));
      room_.pace.close(now, wait);
      closed_until_ = std::max(closed_until_, now + wait);
      ++closings_;
      answers_ = 0;
    } else if (below(5) == 0) {
      room_.pace.learn(now, {100, below(100), std::chrono::milliseconds(below(3000))});
    }
  }

  // Of those let go since the gate was closed last.
  std::size_t under_way() const {
    return static_cast<std::size_t>(std::count_if(
        permits_.begin(), permits_.end(), [&](const Sent& sent) { return sent.closings == closings_; }));
  }

  void check() {
    if (room_.pace.state(room_.now()) != Pace::State::open) {
      ASSERT_LE(under_way(), 1 + answers_);
    }
    ASSERT_LE(room_.gate.in_flight(), kGate.max_in_flight);
    ASSERT_LE(room_.gate.waiting(), kGate.max_queue);
    const double seconds = std::chrono::duration<double>(room_.now() - kStart).count();
    if (rated_) {
      ASSERT_LE(static_cast<double>(spent_), kPerSecond * seconds + kBurst + 1e-6);
    }
    const bool one_could = room_.gate.waiting() > 0 && room_.gate.in_flight() < kGate.max_in_flight;
    if (one_could) {
      ASSERT_GT(room_.pace.next(room_.now()), room_.now()) << "one waits who could go";
      ASSERT_EQ(room_.clock.asked, room_.pace.next(room_.now()));
    } else {
      ASSERT_EQ(room_.clock.asked, Time::max());
    }
  }

  std::mt19937 random_;
  bool rated_;
  Room room_;
  std::vector<Sent> permits_;
  std::deque<std::unique_ptr<Anybody>> tickets_;
  std::uint64_t spent_ = 0;
  Time closed_until_{};
  unsigned closings_ = 0;
  std::size_t answers_ = 0;  // since the last closing, to what went after it
};

void run(PaceOptions how) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    Crowd crowd(seed, how);
    for (int i = 0; i < 2000 && !testing::Test::HasFailure(); ++i) crowd.step();
    crowd.settle();
  }
}

TEST(WaitingRoom, HoldsItsPromisesWithARate) {
  run({.per_second = kPerSecond, .burst = kBurst, .gate_max = 60s, .max_in_flight = 6, .learn = true});
}

TEST(WaitingRoom, HoldsItsPromisesWithoutARate) {
  run({.gate_max = 60s, .max_in_flight = 6});
}

}  // namespace
}  // namespace linegate
