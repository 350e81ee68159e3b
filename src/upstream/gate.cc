#include "upstream/gate.h"

#include <algorithm>
#include <vector>

namespace linegate {

struct Gate::Line : Link {
  explicit Line(std::uint64_t name) : key(name) {}
  std::uint64_t key;
  std::size_t length = 0;
  bool is_new = true;  // stands among the newcomers
  List<Ticket> tickets;
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
    newcomers_.push_back(*found);
  }
  found->tickets.push_back(ticket);
  if (found->length++ == 0) ++clients_;
  ticket.line_ = found.get();
  ticket.gate_ = this;
  ++waiting_;
  admit();
  return true;
}

// Whoever fills the room alone must not keep the others out of it.
bool Gate::make_room(std::uint64_t client) {
  Line* longest = nullptr;
  for (List<Line>* lines : {&newcomers_, &turns_}) {
    lines->for_each([&](Line& line) {
      if (!longest || line.length > longest->length) longest = &line;
    });
  }
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
  for (List<Line>* lines : {&newcomers_, &turns_}) {
    lines->for_each([&](Line& line) {
      line.tickets.for_each([&](Ticket& ticket) {
        if (ticket.patience() <= when) hopeless.push_back(&ticket);
      });
    });
  }
  for (Ticket* ticket : hopeless) refuse(*ticket, Refusal::too_late);
  if (waiting_ == 0) ask(Time::max());
}

std::size_t Gate::ahead_of(std::uint64_t client) const {
  auto found = lines_.find(client);
  const std::size_t own = found == lines_.end() ? 0 : found->second->length;
  const std::size_t others = clients_ - (own > 0 ? 1 : 0);
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
  Ticket& ticket = next_line().tickets.front();
  remove(ticket);
  ++in_flight_;
  ticket.permit_ = Permit(*this, std::move(turn));
  ticket.on_grant();
}

// Whose turn it is; somebody waits.
Gate::Line& Gate::next_line() {
  if (!newcomers_.empty()) {
    Line& line = newcomers_.front();
    line.is_new = false;
    turns_.push_back(line);
    return line;
  }
  const Time now = clock_.now();
  const std::size_t together = pace_.limited() ? 1 : kTogether;
  bool over = given_ >= together || now != turn_began_ || turns_.front().length == 0;
  if (given_ > 0 && over) {
    turns_.push_back(turns_.front());
    given_ = 0;
  }
  while (turns_.front().length == 0) forget(turns_.front());
  if (given_++ == 0) turn_began_ = now;
  return turns_.front();
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
  if (line.length > 0) return;
  --clients_;
  // Who has been served keeps its place in the round for the next request, lest it come as a newcomer each
  // time and nobody else be served.
  if (line.is_new) forget(line);
  while (waiting_ == 0 && !turns_.empty()) forget(turns_.front());
}

void Gate::forget(Line& line) {
  if (!turns_.empty() && &line == &turns_.front()) given_ = 0;
  lines_.erase(line.key);
}

void Gate::Ticket::give_up() {
  if (Gate* gate = gate_) {
    gate->remove(*this);
    if (gate->waiting_ == 0) gate->ask(Time::max());
  }
  permit_.release();
}

}  // namespace linegate
