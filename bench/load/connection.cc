// Requests out, replies in, and what pairs them.
#include "load/connection.h"

#include <numeric>

#include "common/sockets.h"

namespace bench {
namespace {

std::string shortened(std::string_view text) {
  return text.size() <= 200 ? std::string(text) : std::string(text.substr(0, 200)) + "...";
}

}  // namespace

Connection::Connection(std::uint32_t number, int fd, Dialect dialect, const Mix& mix, std::uint32_t depth,
                       std::uint32_t keys)
    : number_(number),
      fd_(fd),
      dialect_(dialect),
      mix_(mix),
      depth_(depth),
      keys_(keys),
      free_(in_order(dialect) ? 0 : depth),
      slots_(depth) {
  std::iota(free_.rbegin(), free_.rend(), 0);
}

Connection::~Connection() {
  close(fd_);
}

void Connection::request(std::uint64_t intended) {
  if (room() > 0) {
    send(intended);
  } else {
    backlog_.push_back(intended);
  }
}

void Connection::send(std::uint64_t intended) {
  const std::uint32_t slot = take_slot();
  Pending& pending = slots_[slot];
  pending.intended = intended;
  pending.kind = &mix_.pick(std::uint64_t{number_} + sent_);
  name_next(pending.token);
  pending.kind->request.write(out_, slot, {pending.token, kTokenSize});
}

// Of a limited set of keys, each connection begins at another and goes through them all.
void Connection::name_next(char* token) {
  constexpr std::uint32_t kApart =
      7919;  // a prime, so that neighbours do not ask for the same at the same time
  if (keys_ == 0)
    write_token(token, number_, sent_);
  else
    write_token(token, 0, std::uint32_t((std::uint64_t{number_} * kApart + sent_) % keys_));
  ++sent_;
}

std::uint32_t Connection::take_slot() {
  const std::uint32_t count = unanswered_++;
  if (in_order(dialect_)) return (oldest_ + count) % depth_;
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void Connection::release(std::uint32_t slot) {
  --unanswered_;
  slots_[slot].kind = nullptr;
  if (in_order(dialect_)) {
    oldest_ = (oldest_ + 1) % depth_;
  } else {
    free_.push_back(slot);
  }
}

bool Connection::read(std::vector<char>& space, Listener& listener) {
  const ssize_t n = recv(fd_, space.data(), space.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (n <= 0) return false;
  const std::string_view bytes(space.data(), std::size_t(n));
  if (in_.empty()) {
    in_.assign(bytes.substr(handle(bytes, listener)));
  } else {
    in_.append(bytes);
    in_.erase(0, handle(in_, listener));
  }
  return true;
}

// How many bytes were whole replies.
std::size_t Connection::handle(std::string_view bytes, Listener& listener) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const Reply reply = next_reply(dialect_, bytes.substr(done), scanned_);
    if (reply.size == 0 || !handle_one(reply, listener)) break;
    done += reply.size;
  }
  return done;
}

bool Connection::handle_one(const Reply& reply, Listener& listener) {
  const auto slot = in_order(dialect_) ? std::optional(oldest_) : slot_of(dialect_, reply.message);
  if (!slot || *slot >= depth_ || slots_[*slot].kind == nullptr) {
    listener.wrong("a reply to nothing that was asked: " + shortened(reply.message));
    return false;
  }
  const Pending& pending = slots_[*slot];
  const Kind& kind = *pending.kind;
  std::string error;
  if (!kind.error.empty() || reply.status != 200 ||
      !kind.reply.matches(reply.message, *slot, {pending.token, kTokenSize})) {
    error = error_symbol(dialect_, reply);
    if (error.empty()) {
      listener.wrong(describe(*slot, reply));
      return false;
    }
    if (error == kind.error) error.clear();
  }
  listener.answered(pending.intended, error);
  release(*slot);
  if (!backlog_.empty()) {
    send(backlog_.front());
    backlog_.pop_front();
  }
  return true;
}

std::string Connection::describe(std::uint32_t slot, const Reply& reply) const {
  std::string sent;
  slots_[slot].kind->request.write(sent, slot, {slots_[slot].token, kTokenSize});
  return "sent: " + sent + "got:  " + shortened(reply.message);
}

bool Connection::flush() {
  while (!out_.empty()) {
    const ssize_t n = ::send(fd_, out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n < 0) fail("send");
    out_.erase(0, std::size_t(n));
  }
  return false;
}

}  // namespace bench
