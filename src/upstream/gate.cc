#include "upstream/gate.h"

namespace linegate {

struct Gate::Line : Link {
  explicit Line(std::uint64_t name) : key(name) {}
  std::uint64_t key;
  List<Ticket> tickets;  // never empty while it is in the map
};

Gate::Gate(GateOptions options) : options_(options) {}
Gate::~Gate() = default;

Gate::Permit Gate::try_enter() {
  if (in_flight_ >= options_.max_in_flight || waiting_ > 0) return {};
  ++in_flight_;
  return Permit(*this);
}

bool Gate::enqueue(Ticket& ticket, std::uint64_t client) {
  if (waiting_ >= options_.max_queue) return false;
  auto& found = lines_[client];
  if (!found) {
    found = std::make_unique<Line>(client);
    turns_.push_back(*found);
  }
  found->tickets.push_back(ticket);
  ticket.line_ = found.get();
  ticket.gate_ = this;
  ++waiting_;
  grant_next();
  return true;
}

void Gate::leave() {
  --in_flight_;
  grant_next();
}

void Gate::grant_next() {
  if (in_flight_ >= options_.max_in_flight || waiting_ == 0) return;
  Line& line = turns_.front();
  turns_.push_back(line);
  Ticket& ticket = line.tickets.front();
  remove(ticket);
  ++in_flight_;
  ticket.permit_ = Permit(*this);
  ticket.on_grant();
}

void Gate::remove(Ticket& ticket) {
  Line& line = *std::exchange(ticket.line_, nullptr);
  ticket.gate_ = nullptr;
  ticket.unlink();
  --waiting_;
  if (line.tickets.empty()) lines_.erase(line.key);
}

void Gate::Ticket::give_up() {
  if (gate_) gate_->remove(*this);
  permit_.release();
}

}  // namespace linegate
