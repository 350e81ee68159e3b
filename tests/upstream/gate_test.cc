// The gate: who gets a place, and when.
#include "upstream/gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "room.h"

namespace linegate {
namespace {

using Names = std::vector<std::string>;

TEST(Gate, HasSoManyPlacesAndNoMore) {
  Room room({.max_in_flight = 2, .max_queue = 1});
  Gate& gate = room.gate;
  auto one = gate.try_enter();
  auto two = gate.try_enter();
  EXPECT_TRUE(one && two);
  EXPECT_FALSE(gate.try_enter());
  EXPECT_EQ(gate.in_flight(), 2u);
  one.release();
  EXPECT_TRUE(gate.try_enter());
}

TEST(Gate, RefusesAtOnceWhenTheQueueIsFull) {
  Room room({.max_in_flight = 1, .max_queue = 1});
  Gate& gate = room.gate;
  auto place = gate.try_enter();
  Names granted;
  Waiting first("first", granted);
  Waiting second("second", granted);
  EXPECT_TRUE(gate.enqueue(first, 1));
  EXPECT_FALSE(gate.enqueue(second, 2));
  EXPECT_EQ(gate.waiting(), 1u);
}

TEST(Gate, MakesRoomForAClientThatWaitsWithFewer) {
  Room room({.max_in_flight = 1, .max_queue = 3});
  Gate& gate = room.gate;
  auto place = gate.try_enter();
  Names granted;
  Waiting one("greedy 1", granted), two("greedy 2", granted), three("greedy 3", granted),
      four("greedy 4", granted);
  for (Waiting* ticket : {&one, &two, &three}) EXPECT_TRUE(gate.enqueue(*ticket, 1));
  EXPECT_FALSE(gate.enqueue(four, 1));
  Waiting modest("modest", granted);
  EXPECT_TRUE(gate.enqueue(modest, 2));
  EXPECT_EQ(three.refused, Gate::Refusal::full);
  EXPECT_FALSE(one.refused || two.refused);
  EXPECT_EQ(gate.waiting(), 3u);
}

TEST(Gate, MakesNoRoomForAClientThatWouldThenWaitWithMost) {
  Room room({.max_in_flight = 1, .max_queue = 3});
  Gate& gate = room.gate;
  auto place = gate.try_enter();
  Names granted;
  Waiting one("greedy 1", granted), two("greedy 2", granted), other("other 1", granted),
      more("other 2", granted);
  EXPECT_TRUE(gate.enqueue(one, 1) && gate.enqueue(two, 1) && gate.enqueue(other, 2));
  EXPECT_FALSE(gate.enqueue(more, 2));
  EXPECT_FALSE(two.refused);
}

TEST(Gate, RefusesThoseWhoWouldNotWaitSoLong) {
  Room room({.max_in_flight = 1, .max_queue = 9});
  Gate& gate = room.gate;
  auto place = gate.try_enter();
  Names granted;
  Waiting hasty("hasty", granted, kStart + 1s), patient("patient", granted, kStart + 1s + 1ms);
  EXPECT_TRUE(gate.enqueue(hasty, 1) && gate.enqueue(patient, 1));
  gate.refuse_until(kStart + 1s);
  EXPECT_EQ(hasty.refused, Gate::Refusal::too_late);
  EXPECT_FALSE(patient.refused);
  place.release();
  EXPECT_EQ(granted, Names{"patient"});
}

TEST(Gate, WithoutAQueueRefusesAtOnce) {
  Room room({.max_in_flight = 1, .max_queue = 0});
  Gate& gate = room.gate;
  auto place = gate.try_enter();
  Names granted;
  Waiting first("first", granted);
  EXPECT_FALSE(gate.enqueue(first, 1));
}

TEST(Gate, GrantsToTheNextWhenAPlaceIsGivenBack) {
  Room room({.max_in_flight = 1, .max_queue = 9});
  Gate& gate = room.gate;
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
  Room room({.max_in_flight = 1, .max_queue = 9});
  Gate& gate = room.gate;
  auto place = gate.try_enter();
  Names granted;
  Waiting first("first", granted);
  gate.enqueue(first, 1);
  place.release();
  EXPECT_FALSE(gate.try_enter());
}

TEST(Gate, TakesClientsInTurn) {
  Room room({.max_in_flight = 1, .max_queue = 100});
  Gate& gate = room.gate;
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
  Room room({.max_in_flight = 1, .max_queue = 20'000});
  Gate& gate = room.gate;
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

// So many of `client`, one after the other.
void queue(Room& room, std::deque<Waiting>& tickets, Names& granted, std::uint64_t client, int count,
           const std::string& name) {
  for (int i = 0; i < count; ++i) {
    ASSERT_TRUE(room.gate.enqueue(tickets.emplace_back(name + std::to_string(i), granted), client));
  }
}

// One that has its place is answered, which gives it to the next.
void answer_one(std::deque<Waiting>& tickets) {
  for (auto& ticket : tickets) {
    if (ticket.granted()) return ticket.take().release();
  }
}

TEST(Gate, GivesPlacesThatComeFreeTogetherToOneClientAtATime) {
  constexpr int kTogether = Gate::kTogether;
  Room room({.max_in_flight = 1, .max_queue = 100});
  auto place = room.gate.try_enter();
  Names granted;
  std::deque<Waiting> tickets;
  queue(room, tickets, granted, 1, 20, "a");
  queue(room, tickets, granted, 2, 20, "b");
  place.release();
  for (int i = 0; i < 2 * kTogether + 1; ++i) answer_one(tickets);
  Names expected = {"a0", "b0"};  // as newcomers
  for (int i = 1; i <= kTogether; ++i) expected.push_back("a" + std::to_string(i));
  for (int i = 1; i <= kTogether; ++i) expected.push_back("b" + std::to_string(i));
  EXPECT_EQ(granted, expected);
}

TEST(Gate, GivesPlacesThatComeFreeOneByOneInTurn) {
  Room room({.max_in_flight = 1, .max_queue = 100});
  auto place = room.gate.try_enter();
  Names granted;
  std::deque<Waiting> tickets;
  queue(room, tickets, granted, 1, 20, "a");
  queue(room, tickets, granted, 2, 20, "b");
  place.release();
  for (int i = 0; i < 5; ++i) {
    room.advance(1ms);
    answer_one(tickets);
  }
  EXPECT_EQ(granted, (Names{"a0", "b0", "a1", "b1", "a2", "b2"}));
}

TEST(Gate, LetsANewcomerGoBeforeThoseWhoHaveBeenServed) {
  Room room({.max_in_flight = 1, .max_queue = 100});
  auto place = room.gate.try_enter();
  Names granted;
  std::deque<Waiting> tickets;
  for (std::uint64_t client : {1, 2, 3}) queue(room, tickets, granted, client, 20, std::to_string(client));
  place.release();
  for (int i = 0; i < 4; ++i) answer_one(tickets);
  granted.clear();
  queue(room, tickets, granted, 4, 1, "modest");
  answer_one(tickets);
  EXPECT_EQ(granted, Names{"modest0"});
}

TEST(Gate, WhoComesAgainAtOnceIsNoNewcomer) {
  Room room({.max_in_flight = 1, .max_queue = 100});
  auto place = room.gate.try_enter();
  Names granted;
  std::deque<Waiting> tickets;
  queue(room, tickets, granted, 1, 3, "greedy");
  for (std::uint64_t client : {2, 3}) queue(room, tickets, granted, client, 1, std::to_string(client));
  place.release();
  for (int round = 0; round < 5; ++round) {
    for (std::uint64_t client : {2, 3}) {  // each asks again as soon as it is answered
      room.advance(1ms);
      answer_one(tickets);
      if (granted.back()[0] == '0' + static_cast<char>(client)) {
        queue(room, tickets, granted, client, 1, std::to_string(client));
      }
    }
  }
  EXPECT_EQ(std::count_if(granted.begin(), granted.end(), [](auto& name) { return name[0] == 'g'; }), 3);
}

TEST(Gate, ANewcomerThatLeavesIsForgotten) {
  Room room({.max_in_flight = 1, .max_queue = 9});
  auto place = room.gate.try_enter();
  Names granted;
  Waiting last("last", granted);
  EXPECT_TRUE(room.gate.enqueue(last, 1));
  {
    Waiting gone("gone", granted);
    EXPECT_TRUE(room.gate.enqueue(gone, 2));
  }
  EXPECT_EQ(room.gate.ahead_of(2), 1u);
  place.release();
  EXPECT_EQ(granted, Names{"last"});
}

TEST(Gate, ForgetsATicketThatIsDestroyed) {
  Room room({.max_in_flight = 1, .max_queue = 9});
  Gate& gate = room.gate;
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
  Room room({.max_in_flight = 1, .max_queue = 9});
  Gate& gate = room.gate;
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
  Room room({.max_in_flight = 1, .max_queue = 9});
  Gate& gate = room.gate;
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

// ---- together with the pace

constexpr GateOptions kRoomy = {.max_in_flight = 100, .max_queue = 100};

TEST(Gate, HandsOutTokensInTurn) {
  Room room(kRoomy, {.per_second = 10, .burst = 1});
  auto first = room.gate.try_enter();
  ASSERT_TRUE(first);
  Names granted;
  std::deque<Waiting> tickets;
  queue(room, tickets, granted, 1, 3, "greedy");
  queue(room, tickets, granted, 2, 1, "modest");
  queue(room, tickets, granted, 3, 2, "other");
  room.advance(600ms);
  EXPECT_EQ(granted, (Names{"greedy0", "modest0", "other0", "greedy1", "other1", "greedy2"}));
}

TEST(Gate, GrantsAsManyAsThereAreTokens) {
  Room room(kRoomy, {.per_second = 10, .burst = 3});
  Names granted;
  std::deque<Waiting> tickets;
  queue(room, tickets, granted, 1, 5, "");
  EXPECT_EQ(granted.size(), 3u);
  room.advance(100ms);
  EXPECT_EQ(granted.size(), 4u);
}

TEST(Gate, RefusesToLetPastWhatThePaceHolds) {
  Room room(kRoomy, {.per_second = 1, .burst = 1});
  auto first = room.gate.try_enter();
  EXPECT_FALSE(room.gate.try_enter());
  EXPECT_EQ(room.gate.in_flight(), 1u);
}

TEST(Gate, AsksToBeCalledWhenTheNextTokenIsThere) {
  Room room(kRoomy, {.per_second = 10, .burst = 1});
  auto first = room.gate.try_enter();
  EXPECT_EQ(room.clock.calls, 0);
  Names granted;
  Waiting next("next", granted);
  room.gate.enqueue(next, 1);
  EXPECT_EQ(room.clock.asked, kStart + 100ms);
  EXPECT_EQ(room.clock.calls, 1);
}

TEST(Gate, AsksOnceForTheSameTime) {
  Room room(kRoomy, {.gate_max = 60s});
  room.pace.close(kStart, 5s);
  Names granted;
  std::deque<Waiting> tickets;
  queue(room, tickets, granted, 1, 10, "");
  EXPECT_EQ(room.clock.asked, kStart + 5s);
  EXPECT_EQ(room.clock.calls, 1);
}

TEST(Gate, AsksForNothingWithoutLimits) {
  Room room({.max_in_flight = 1, .max_queue = 100});
  auto place = room.gate.try_enter();
  Names granted;
  std::deque<Waiting> tickets;
  queue(room, tickets, granted, 1, 10, "");
  place.release();
  EXPECT_EQ(room.clock.calls, 0);
}

TEST(Gate, AsksForNothingWhileNoPlaceIsFree) {
  Room room({.max_in_flight = 1, .max_queue = 9}, {.per_second = 10, .burst = 1});
  auto place = room.gate.try_enter();
  Names granted;
  Waiting next("next", granted);
  room.gate.enqueue(next, 1);
  EXPECT_EQ(room.clock.calls, 0);
  place.turn().spend();
  place.release();
  EXPECT_EQ(room.clock.asked, kStart + 100ms);
}

TEST(Gate, NoLongerAsksWhenNobodyWaitsAnyMore) {
  Room room(kRoomy, {.per_second = 10, .burst = 1});
  auto first = room.gate.try_enter();
  Names granted;
  {
    Waiting next("next", granted);
    room.gate.enqueue(next, 1);
  }
  EXPECT_EQ(room.clock.asked, Time::max());
  EXPECT_EQ(room.clock.calls, 2);
}

TEST(Gate, AsksForNothingAfterTheLastWasGranted) {
  Room room(kRoomy, {.per_second = 10, .burst = 1});
  auto first = room.gate.try_enter();
  Names granted;
  Waiting next("next", granted);
  room.gate.enqueue(next, 1);
  room.advance(100ms);
  EXPECT_TRUE(next.granted());
  EXPECT_EQ(room.clock.asked, Time::max());
  EXPECT_EQ(room.clock.calls, 1);
}

TEST(Gate, IsOpenedNoEarlierThanRetryAfterSays) {
  Room room(kRoomy);
  room.pace.close(kStart, 2s);
  Names granted;
  Waiting next("next", granted);
  room.gate.enqueue(next, 1);
  room.advance(2s - 1ns);
  EXPECT_FALSE(next.granted());
  room.advance(1ns);
  EXPECT_TRUE(next.granted());
}

TEST(Gate, LetsOneProbeOutAndTheOthersAfterItsAnswer) {
  Room room(kRoomy);
  room.pace.close(kStart, 2s);
  Names granted;
  std::deque<Waiting> tickets;
  queue(room, tickets, granted, 1, 5, "");
  room.advance(10s);
  EXPECT_EQ(granted.size(), 1u);
  EXPECT_EQ(room.clock.asked, Time::max());  // an answer is waited for, no time
  auto probe = tickets[0].take();
  probe.turn().answered();
  room.gate.admit();
  EXPECT_EQ(granted.size(), 3u);
}

TEST(Gate, SendsTheNextProbeWhenOneLeavesWithoutAnAnswer) {
  Room room(kRoomy);
  room.pace.close(kStart, 2s);
  Names granted;
  std::deque<Waiting> tickets;
  queue(room, tickets, granted, 1, 3, "");
  room.advance(2s);
  auto probe = tickets[0].take();
  probe.turn().spend();
  probe.release();
  EXPECT_EQ(granted.size(), 2u);
}

TEST(Gate, SendsTheNextProbeWhenAGrantedOneIsNotTaken) {
  Room room(kRoomy);
  room.pace.close(kStart, 2s);
  Names granted;
  Waiting last("last", granted);
  {
    Waiting gone("gone", granted);
    room.gate.enqueue(gone, 1);
    room.gate.enqueue(last, 2);
    room.advance(2s);
    EXPECT_TRUE(gone.granted());
    EXPECT_FALSE(last.granted());
  }
  EXPECT_TRUE(last.granted());
}

TEST(Gate, GivesTheTokenOfATicketThatIsNotTakenToTheNext) {
  Room room(kRoomy, {.per_second = 1, .burst = 1});
  Names granted;
  Waiting last("last", granted);
  {
    Waiting gone("gone", granted);
    room.gate.enqueue(gone, 1);
    room.gate.enqueue(last, 2);
    EXPECT_FALSE(last.granted());
  }
  EXPECT_TRUE(last.granted());
}

TEST(Gate, KeepsTheTokenOfARequestThatWasSent) {
  Room room(kRoomy, {.per_second = 1, .burst = 1});
  auto place = room.gate.try_enter();
  place.turn().spend();
  place.release();
  EXPECT_FALSE(room.gate.try_enter());
}

TEST(Gate, RefusesAtOnceWhenFullWhateverThePaceSays) {
  Room room({.max_in_flight = 9, .max_queue = 1});
  room.pace.close(kStart, 2s);
  Names granted;
  Waiting first("first", granted);
  Waiting second("second", granted);
  EXPECT_TRUE(room.gate.enqueue(first, 1));
  EXPECT_FALSE(room.gate.enqueue(second, 1));
}

TEST(Gate, GrantsAtOnceWhenNobodyWaitsAndTheTimeHasCome) {
  Room room(kRoomy, {.per_second = 10, .burst = 1});
  auto first = room.gate.try_enter();
  room.advance(100ms);
  EXPECT_TRUE(room.gate.try_enter());
}

TEST(Gate, TellsHowManyMayGoBefore) {
  Room room({.max_in_flight = 0, .max_queue = 100});
  Names granted;
  std::deque<Waiting> tickets;
  EXPECT_EQ(room.gate.ahead_of(1), 0u);
  queue(room, tickets, granted, 1, 20, "");
  EXPECT_EQ(room.gate.ahead_of(1), 20u);
  EXPECT_EQ(room.gate.ahead_of(2), 1u);
  queue(room, tickets, granted, 2, 2, "");
  EXPECT_EQ(room.gate.ahead_of(1), 22u);
  EXPECT_EQ(room.gate.ahead_of(2), 5u);  // two of its own, and three turns of the other
  EXPECT_EQ(room.gate.ahead_of(3), 2u);
}

}  // namespace
}  // namespace linegate
