// Timers with time set by hand, also against a plain list as the reference model.
#include "loop/timers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace linegate {
namespace {

const Time t0 = Time{} + 1h;

class Alarm final : public Timer {
 public:
  Alarm(Timers& timers, std::function<void()> action) : Timer(timers), action_(std::move(action)) {}

 private:
  void on_timer() override { action_(); }
  std::function<void()> action_;
};

class TimersTest : public testing::Test {
 protected:
  std::unique_ptr<Alarm> alarm(int number) {
    return std::make_unique<Alarm>(timers, [this, number] { fired.push_back(number); });
  }
  Timers timers;
  std::vector<int> fired;
};

TEST_F(TimersTest, WithoutTimersThereIsNoDeadline) {
  EXPECT_EQ(timers.next(), std::nullopt);
  EXPECT_FALSE(timers.fire(t0));
}

TEST_F(TimersTest, FiresAtItsDeadlineAndNotBefore) {
  auto a = alarm(1);
  a->arm(t0 + 10ms);
  EXPECT_TRUE(a->armed());
  EXPECT_EQ(timers.next(), t0 + 10ms);
  EXPECT_FALSE(timers.fire(t0 + 10ms - 1ns));
  EXPECT_TRUE(timers.fire(t0 + 10ms));
  EXPECT_EQ(fired, std::vector{1});
  EXPECT_FALSE(a->armed());
  EXPECT_FALSE(timers.fire(t0 + 1h));
}

TEST_F(TimersTest, FiresTheEarliestFirst) {
  auto a = alarm(1), b = alarm(2), c = alarm(3);
  a->arm(t0 + 3s);
  b->arm(t0 + 1s);
  c->arm(t0 + 2s);
  timers.fire(t0 + 5s);
  EXPECT_EQ(fired, (std::vector{2, 3, 1}));
}

TEST_F(TimersTest, ArmingAgainMovesTheDeadline) {
  auto a = alarm(1);
  a->arm(t0 + 1s);
  a->arm(t0 + 5s);
  EXPECT_FALSE(timers.fire(t0 + 2s));
  a->arm(t0 + 3s);
  EXPECT_TRUE(timers.fire(t0 + 3s));
  EXPECT_EQ(fired, std::vector{1});
}

TEST_F(TimersTest, ACancelledOrDestroyedTimerDoesNotFire) {
  auto a = alarm(1), b = alarm(2), c = alarm(3);
  a->arm(t0);
  b->arm(t0);
  c->arm(t0);
  a->cancel();
  a->cancel();
  b.reset();
  timers.fire(t0);
  EXPECT_EQ(fired, std::vector{3});
}

TEST_F(TimersTest, AFiringTimerMayArmItselfAnew) {
  int count = 0;
  std::unique_ptr<Alarm> a;
  a = std::make_unique<Alarm>(timers, [&] {
    ++count;
    a->arm(a->deadline() + 1s);
  });
  a->arm(t0);
  timers.fire(t0 + 2500ms);
  EXPECT_EQ(count, 3);
  EXPECT_EQ(timers.next(), t0 + 3s);
}

TEST_F(TimersTest, AFiringTimerMayCancelOrDestroyOthersThatAreDue) {
  auto b = alarm(2), c = alarm(3);
  Alarm a(timers, [&] {
    b->cancel();
    c.reset();
  });
  a.arm(t0);
  b->arm(t0 + 1ms);
  c->arm(t0 + 1ms);
  EXPECT_TRUE(timers.fire(t0 + 1s));
  EXPECT_TRUE(fired.empty());
  EXPECT_EQ(timers.next(), std::nullopt);
}

TEST_F(TimersTest, ATimerThatAlwaysArmsItselfForNowComesBackToItsCaller) {
  int count = 0;
  std::unique_ptr<Alarm> a;
  a = std::make_unique<Alarm>(timers, [&] {
    if (++count <= 10 * Timers::kAtOnce) a->arm(t0);
  });
  a->arm(t0);
  EXPECT_TRUE(timers.fire(t0));
  EXPECT_EQ(count, Timers::kAtOnce);
  EXPECT_EQ(timers.next(), t0);
}

// What Timers promises, done in the most obvious way.
struct Model {
  std::vector<std::optional<Time>> deadlines = std::vector<std::optional<Time>>(50);

  std::optional<Time> next() const {
    std::optional<Time> least;
    for (auto& when : deadlines) {
      if (when && (!least || *when < *least)) least = when;
    }
    return least;
  }
  std::vector<int> fire(Time now) {
    std::vector<std::pair<Time, int>> due;
    for (std::size_t i = 0; i < deadlines.size(); ++i) {
      if (deadlines[i] && *deadlines[i] <= now) due.emplace_back(*deadlines[i], static_cast<int>(i));
    }
    std::sort(due.begin(), due.end());
    std::vector<int> order;
    for (auto& [when, i] : due) {
      deadlines[static_cast<std::size_t>(i)].reset();
      order.push_back(i);
    }
    return order;
  }
};

TEST_F(TimersTest, AgreesWithTheModelUnderRandomUse) {
  std::mt19937 random(5);
  Model model;
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < 50; ++i) alarms.push_back(alarm(i));
  Time now = t0;
  for (int step = 0; step < 50'000; ++step) {
    std::size_t i = random() % alarms.size();
    Time unique = now + std::chrono::microseconds(random() % 5'000) * 64 + std::chrono::nanoseconds(step);
    switch (random() % 4) {
      case 0:
      case 1:
        alarms[i]->arm(unique);
        model.deadlines[i] = unique;
        break;
      case 2:
        alarms[i]->cancel();
        model.deadlines[i].reset();
        break;
      default:
        now += std::chrono::microseconds(random() % 40'000);
        fired.clear();
        std::vector<int> expected = model.fire(now);
        ASSERT_EQ(timers.fire(now), !expected.empty());
        ASSERT_EQ(fired, expected) << "step " << step;
    }
    ASSERT_EQ(timers.next(), model.next()) << "step " << step;
  }
}

}  // namespace
}  // namespace linegate
