#include "upstream/gate.h"

#include <algorithm>
#include <vector>

namespace linegate {

struct Gate::Line : Link {
  explicit Line(std::uint64_t name) : key(name) {}
  std::uint64_t key;
  std::size_t length = 0;
  List<Ticket> tickets;  // never empty while it is in the map
};

Gate::Gate(GateOptions options, Pace& pace, GateClock& clock)
    : options_(options), pace_(pace), clock_(clock) {}
Gate::~Gate() = default;

Gate::Permit Gate::try_enter() {
  if (!has_place() || waiting_ > 0) return {};
  Pace::Turn turn;
  if (pace_.limited()) {
    auto allowed = pace_.go(clock_.now());
    if (!allowed) return {};
    turn = std::move(*allowed);
  }
  ++in_flight_;
  return Permit(*this, std::move(turn));
}

bool Gate::enqueue(Ticket& ticket, std::uint64_t client) {
  if (waiting_ >= options_.max_queue && !make_room(client)) return false;
  auto& found = lines_[client];
  if (!found) {
    found = std::make_unique<Line>(client);
    turns_.push_back(*found);
  }
  found->tickets.push_back(ticket);
  ++found->length;
  ticket.line_ = found.get();
  ticket.gate_ = this;
  ++waiting_;
  admit();
  return true;
}

// Whoever fills the room alone must not keep the others out of it.
bool Gate::make_room(std::uint64_t client) {
  Line* longest = nullptr;
  turns_.for_each([&](Line& line) {
    if (!longest || line.length > longest->length) longest = &line;
  });
  auto own = lines_.find(client);
  std::size_t length = own == lines_.end() ? 0 : own->second->length;
  if (!longest || longest->length <= length + 1) return false;
  refuse(longest->tickets.back(), Refusal::full);
  return true;
}

void Gate::refuse(Ticket& ticket, Refusal reason) {
  remove(ticket);
  ticket.on_refuse(reason);
}

void Gate::refuse_until(Time when) {
  std::vector<Ticket*> hopeless;  // refusing the last of a line ends the line
  turns_.for_each([&](Line& line) {
    line.tickets.for_each([&](Ticket& ticket) {
      if (ticket.patience() <= when) hopeless.push_back(&ticket);
    });
  });
  for (Ticket* ticket : hopeless) refuse(*ticket, Refusal::too_late);
  if (waiting_ == 0) ask(Time::max());
}

std::size_t Gate::ahead_of(std::uint64_t client) const {
  auto found = lines_.find(client);
  const std::size_t own = found == lines_.end() ? 0 : found->second->length;
  const std::size_t others = lines_.size() - (own > 0 ? 1 : 0);
  return std::min(waiting_, own + others * (own + 1));
}

void Gate::leave() {
  --in_flight_;
  if (waiting_ > 0) admit();
}

void Gate::admit() {
  const Time now = clock_.now();
  if (asked_ <= now) asked_ = Time::max();  // it has called, or is about to
  while (waiting_ > 0 && has_place()) {
    auto turn = pace_.go(now);
    if (!turn) return ask(pace_.next(now));
    grant(std::move(*turn));
  }
  ask(Time::max());
}

void Gate::grant(Pace::Turn turn) {
  Line& line = turns_.front();
  turns_.push_back(line);
  Ticket& ticket = line.tickets.front();
  remove(ticket);
  ++in_flight_;
  ticket.permit_ = Permit(*this, std::move(turn));
  ticket.on_grant();
}

void Gate::ask(Time when) {
  if (when == asked_) return;
  asked_ = when;
  clock_.call_at(when);
}

void Gate::remove(Ticket& ticket) {
  Line& line = *std::exchange(ticket.line_, nullptr);
  ticket.gate_ = nullptr;
  ticket.unlink();
  --line.length;
  --waiting_;
  if (line.length == 0) lines_.erase(line.key);
}

void Gate::Ticket::give_up() {
  if (Gate* gate = gate_) {
    gate->remove(*this);
    if (gate->waiting_ == 0) gate->ask(Time::max());
  }
  permit_.release();
}

}  // namespace linegate
