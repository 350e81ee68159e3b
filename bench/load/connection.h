// One connection of the load: which requests are unanswered on it, bytes in, bytes out. Checks each reply
// against the request it answers. Owned by Load.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "load/dialect.h"
#include "load/mix.h"

namespace bench {

// Told of each reply.
class Listener {
 public:
  // `intended`: when the request was meant to leave, in nanoseconds. `error`: the symbol of an error that was
  // not expected.
  virtual void answered(std::uint64_t intended, const std::string& error) = 0;
  // A reply that cannot be: the run has failed.
  virtual void wrong(const std::string& what) = 0;

 protected:
  ~Listener() = default;
};

class Connection {
 public:
  // `keys`: how many different tokens all connections together ask for; 0 = each request has its own.
  Connection(std::uint32_t number, int fd, Dialect dialect, const Mix& mix, std::uint32_t depth,
             std::uint32_t keys);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }
  std::uint32_t unanswered() const { return unanswered_; }
  std::uint32_t room() const { return depth_ - unanswered_; }
  std::size_t backlog() const { return backlog_.size(); }

  // Sends a request now or, if `depth` are unanswered, as soon as one is answered.
  void request(std::uint64_t intended);
  // Reads once into `space` and handles the whole replies in it. False at the end of input.
  bool read(std::vector<char>& space, Listener& listener);
  // Writes what was collected; what does not fit stays. True if something stays.
  bool flush();
  bool wants_write() const { return !out_.empty(); }
  bool watched_for_write = false;

 private:
  struct Pending {
    std::uint64_t intended = 0;
    const Kind* kind = nullptr;  // null: the slot is free
    char token[kTokenSize];
  };

  void send(std::uint64_t intended);
  void name_next(char* token);
  std::size_t handle(std::string_view bytes, Listener& listener);
  bool handle_one(const Reply& reply, Listener& listener);
  std::uint32_t take_slot();
  void release(std::uint32_t slot);
  std::string describe(std::uint32_t slot, const Reply& reply) const;

  const std::uint32_t number_;
  const int fd_;
  const Dialect dialect_;
  const Mix& mix_;
  const std::uint32_t depth_;
  const std::uint32_t keys_;
  std::uint32_t unanswered_ = 0;
  std::uint32_t sent_ = 0;
  std::uint32_t oldest_ = 0;         // in_order: the slot whose reply comes next
  std::vector<std::uint32_t> free_;  // else: slots without a request
  std::vector<Pending> slots_;
  std::deque<std::uint64_t> backlog_;  // intended times that wait for room
  std::string in_;                     // an incomplete reply
  std::size_t scanned_ = 0;
  std::string out_;
};

}  // namespace bench
