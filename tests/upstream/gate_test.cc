// The gate: who gets a place, and when.
#include "upstream/gate.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

namespace linegate {
namespace {

class Waiting final : public Gate::Ticket {
 public:
  Waiting(std::string name, std::vector<std::string>& granted) : name_(std::move(name)), granted_(granted) {}

 private:
  void on_grant() override { granted_.push_back(name_); }
  std::string name_;
  std::vector<std::string>& granted_;
};

using Names = std::vector<std::string>;

TEST(Gate, HasSoManyPlacesAndNoMore) {
  Gate gate({.max_in_flight = 2, .max_queue = 1});
  auto one = gate.try_enter();
  auto two = gate.try_enter();
  EXPECT_TRUE(one && two);
  EXPECT_FALSE(gate.try_enter());
  EXPECT_EQ(gate.in_flight(), 2u);
  one.release();
  EXPECT_TRUE(gate.try_enter());
}

TEST(Gate, RefusesAtOnceWhenTheQueueIsFull) {
  Gate gate({.max_in_flight = 1, .max_queue = 1});
  auto place = gate.try_enter();
  Names granted;
  Waiting first("first", granted);
  Waiting second("second", granted);
  EXPECT_TRUE(gate.enqueue(first, 1));
  EXPECT_FALSE(gate.enqueue(second, 2));
  EXPECT_EQ(gate.waiting(), 1u);
}

TEST(Gate, WithoutAQueueRefusesAtOnce) {
  Gate gate({.max_in_flight = 1, .max_queue = 0});
  auto place = gate.try_enter();
  Names granted;
  Waiting first("first", granted);
  EXPECT_FALSE(gate.enqueue(first, 1));
}

TEST(Gate, GrantsToTheNextWhenAPlaceIsGivenBack) {
  Gate gate({.max_in_flight = 1, .max_queue = 9});
  auto place = gate.try_enter();
  Names granted;
  Waiting first("first", granted);
  gate.enqueue(first, 1);
  EXPECT_EQ(granted, Names{});
  place.release();
  EXPECT_EQ(granted, Names{"first"});
  EXPECT_TRUE(first.granted());
  EXPECT_EQ(gate.in_flight(), 1u);
  EXPECT_EQ(gate.waiting(), 0u);
}

TEST(Gate, LetsNobodyInBeforeThoseWhoWait) {
  Gate gate({.max_in_flight = 1, .max_queue = 9});
  auto place = gate.try_enter();
  Names granted;
  Waiting first("first", granted);
  gate.enqueue(first, 1);
  place.release();
  EXPECT_FALSE(gate.try_enter());
}

TEST(Gate, TakesClientsInTurn) {
  Gate gate({.max_in_flight = 1, .max_queue = 100});
  auto place = gate.try_enter();
  Names granted;
  std::deque<Waiting> tickets;
  for (int i = 0; i < 4; ++i) gate.enqueue(tickets.emplace_back("greedy" + std::to_string(i), granted), 1);
  gate.enqueue(tickets.emplace_back("modest", granted), 2);
  gate.enqueue(tickets.emplace_back("other", granted), 3);
  place.release();
  for (int turn = 0; turn < 5; ++turn) {
    for (auto& ticket : tickets) {
      if (ticket.granted()) {
        ticket.take().release();
        break;
      }
    }
  }
  EXPECT_EQ(granted, (Names{"greedy0", "modest", "other", "greedy1", "greedy2", "greedy3"}));
}

TEST(Gate, OneWithTenThousandDoesNotDelayOneWithASingleRequest) {
  Gate gate({.max_in_flight = 1, .max_queue = 20'000});
  auto place = gate.try_enter();
  Names granted;
  std::deque<Waiting> tickets;
  for (int i = 0; i < 10'000; ++i) gate.enqueue(tickets.emplace_back("greedy", granted), 1);
  Waiting modest("modest", granted);
  gate.enqueue(modest, 2);
  place.release();
  tickets.front().take().release();
  EXPECT_TRUE(modest.granted());
}

TEST(Gate, ForgetsATicketThatIsDestroyed) {
  Gate gate({.max_in_flight = 1, .max_queue = 9});
  auto place = gate.try_enter();
  Names granted;
  Waiting last("last", granted);
  {
    Waiting gone("gone", granted);
    gate.enqueue(gone, 1);
    gate.enqueue(last, 1);
    EXPECT_EQ(gate.waiting(), 2u);
  }
  EXPECT_EQ(gate.waiting(), 1u);
  place.release();
  EXPECT_EQ(granted, Names{"last"});
}

TEST(Gate, PassesOnAPlaceThatWasGrantedAndNotTaken) {
  Gate gate({.max_in_flight = 1, .max_queue = 9});
  auto place = gate.try_enter();
  Names granted;
  Waiting last("last", granted);
  {
    Waiting gone("gone", granted);
    gate.enqueue(gone, 1);
    gate.enqueue(last, 2);
    place.release();
    EXPECT_TRUE(gone.granted());
  }
  EXPECT_TRUE(last.granted());
  EXPECT_EQ(gate.in_flight(), 1u);
}

TEST(Gate, IsEmptyWhenEverybodyHasLeft) {
  Gate gate({.max_in_flight = 1, .max_queue = 9});
  Names granted;
  {
    auto place = gate.try_enter();
    Waiting one("one", granted);
    Waiting two("two", granted);
    gate.enqueue(one, 1);
    gate.enqueue(two, 1);
  }
  EXPECT_EQ(gate.in_flight(), 0u);
  EXPECT_EQ(gate.waiting(), 0u);
  EXPECT_TRUE(gate.try_enter());
}

}  // namespace
}  // namespace linegate
