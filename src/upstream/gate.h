// Gate: who may use an upstream now, and who is next: its waiting room. A bounded number of places, a bounded
// queue in front of them, and round-robin over clients, so that one with ten thousand requests cannot starve
// one with a single request. A place is given together with a turn of the Pace, never one without the other.
// Pure policy: it awaits nothing, and what time it is it is told. Every operation is O(1), spread over many.
//
// Two things are as in fq_codel (RFC 8290 section 4.2). A client that has not been served since the last
// round goes before those who have: its first request waits for other newcomers only. And a turn is more than
// one place where several come free at the same time: what is answered together then leaves in one write. A
// round is longer for that, which only those who have just been served can notice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/link.h"
#include "upstream/pace.h"

namespace linegate {

struct GateOptions {
  std::size_t max_in_flight = 64;
  std::size_t max_queue = 256;
};

// What a Gate needs of the world: the time, and to be called when the pace lets the next one go.
class GateClock {
 public:
  virtual Time now() const = 0;
  // Gate::admit() is to be called once, at `when`; replaces an earlier wish. Time::max(): no longer.
  virtual void call_at(Time when) = 0;

 protected:
  GateClock() = default;
  ~GateClock() = default;
};

class Gate {
  struct Line;  // the waiting requests of one client

 public:
  // Places that one client may get in a row at one time; one where the pace is limited.
  static constexpr std::size_t kTogether = 8;

  // `pace` and `clock` must outlive it.
  Gate(GateOptions options, Pace& pace, GateClock& clock);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // A place of the gate, and the turn that goes with it. Gives itself back when destroyed; the next in the
  // queue gets it then.
  class [[nodiscard]] Permit {
   public:
    Permit() = default;
    explicit Permit(Gate& gate, Pace::Turn turn = {}) : gate_(&gate), turn_(std::move(turn)) {}
    Permit(Permit&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)), turn_(std::move(other.turn_)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(gate_, other.gate_);
      std::swap(turn_, other.turn_);
      return *this;
    }
    ~Permit() { release(); }
    void release() {
      if (!gate_) return;
      turn_ = {};  // first: what it gives back, leave() gives to the next
      std::exchange(gate_, nullptr)->leave();
    }
    Pace::Turn& turn() { return turn_; }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    Gate* gate_ = nullptr;
    Pace::Turn turn_;
  };

  enum class Refusal {
    full,      // there is no room, or it is needed for a client who waits with less
    too_late,  // what it waits for will not come in time
  };

  // Somebody who waits. Leaves the queue, or gives the granted place and turn back, when destroyed.
  class Ticket : Link {
   public:
    Ticket() = default;
    Permit take() { return std::move(permit_); }
    bool granted() const { return static_cast<bool>(permit_); }
    // No longer waits; a place that was granted goes back.
    void give_up();

   protected:
    virtual ~Ticket() { give_up(); }  // virtual for g++, which otherwise warns of the friends
    // These record and post; they run no user code. After either it waits no longer.
    virtual void on_grant() = 0;
    virtual void on_refuse(Refusal reason) = 0;
    virtual Time patience() const = 0;  // until when it will wait

   private:
    friend class Gate;
    friend class List<Ticket>;
    Line* line_ = nullptr;
    Gate* gate_ = nullptr;
    Permit permit_;
  };

  // A place if one is free, nobody waits and the pace allows it; else an empty permit.
  Permit try_enter();

  // Queues `ticket` for `client`, or refuses: false if the queue is full. A full one makes room for a client
  // who waits with fewer than another: the newest of the one with most is refused instead, which takes
  // O(clients). on_grant() or on_refuse() is called later, or neither.
  bool enqueue(Ticket& ticket, std::uint64_t client);

  // Lets go whoever may go. To be called when GateClock says so, and after each answer: answered(), close()
  // and learn() change what the pace allows.
  void admit();

  // How many of those who wait now may go before a new request of `client`: an upper bound. Its own are
  // before it, and each other client has at most a turn before each of those and one before the new one.
  std::size_t ahead_of(std::uint64_t client) const;

  // Refuses all who would wait no longer than `when`: nobody will go before. O(waiting).
  void refuse_until(Time when);

  bool has_place() const { return in_flight_ < options_.max_in_flight; }
  std::size_t in_flight() const { return in_flight_; }
  std::size_t waiting() const { return waiting_; }
  const GateOptions& options() const { return options_; }

 private:
  void leave();
  void grant(Pace::Turn turn);
  void ask(Time when);
  Line& next_line();
  void remove(Ticket& ticket);
  void forget(Line& line);
  void refuse(Ticket& ticket, Refusal reason);
  bool make_room(std::uint64_t client);

  GateOptions options_;
  Pace& pace_;
  GateClock& clock_;
  Time asked_ = Time::max();  // what call_at() was told last
  std::size_t in_flight_ = 0;
  std::size_t waiting_ = 0;
  std::size_t clients_ = 0;  // that wait
  // Of those that wait, and of those that have been served since the last round.
  std::unordered_map<std::uint64_t, std::unique_ptr<Line>> lines_;
  List<Line> newcomers_;   // these first, one place each
  List<Line> turns_;       // the others, in the order of their turns
  std::size_t given_ = 0;  // places to the first of turns_, so far in this turn
  Time turn_began_{};
};

}  // namespace linegate
