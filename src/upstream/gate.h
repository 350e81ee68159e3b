// Gate: who may use an upstream now, and who is next. A bounded number of places, a bounded queue in front of
// them, and round-robin over clients, so that one with ten thousand requests cannot starve one with a single
// request. Pure policy: it knows no time and awaits nothing. Every operation is O(1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/link.h"

namespace linegate {

struct GateOptions {
  std::size_t max_in_flight = 64;
  std::size_t max_queue = 256;
};

class Gate {
  struct Line;  // the waiting requests of one client

 public:
  explicit Gate(GateOptions options);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // A place of the gate. Gives itself back when destroyed; the next in the queue gets it then.
  class [[nodiscard]] Permit {
   public:
    Permit() = default;
    explicit Permit(Gate& gate) : gate_(&gate) {}
    Permit(Permit&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(gate_, other.gate_);
      return *this;
    }
    ~Permit() { release(); }
    void release() {
      if (gate_) std::exchange(gate_, nullptr)->leave();
    }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    Gate* gate_ = nullptr;
  };

  // Somebody who waits. Leaves the queue, or gives the granted place back, when destroyed.
  class Ticket : Link {
   public:
    Ticket() = default;
    Permit take() { return std::move(permit_); }
    bool granted() const { return static_cast<bool>(permit_); }
    // No longer waits; a place that was granted goes back.
    void give_up();

   protected:
    virtual ~Ticket() { give_up(); }  // virtual for g++, which otherwise warns of the friends
    virtual void on_grant() = 0;      // records and posts; runs no user code

   private:
    friend class Gate;
    friend class List<Ticket>;
    Line* line_ = nullptr;
    Gate* gate_ = nullptr;
    Permit permit_;
  };

  // A place if one is free and nobody waits; else an empty permit.
  Permit try_enter();

  // Queues `ticket` for `client`, or refuses: false if the queue is full. on_grant() is called later, or
  // never.
  bool enqueue(Ticket& ticket, std::uint64_t client);

  std::size_t in_flight() const { return in_flight_; }
  std::size_t waiting() const { return waiting_; }
  const GateOptions& options() const { return options_; }

 private:
  void leave();
  void grant_next();
  void remove(Ticket& ticket);

  GateOptions options_;
  std::size_t in_flight_ = 0;
  std::size_t waiting_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Line>> lines_;  // of those that wait
  List<Line> turns_;                                                // the same, in the order of their turns
};

}  // namespace linegate
