// The run: closed loop keeps each connection's depth full; open loop follows the schedule whatever the server
// does.
#include "load/load.h"

#include <algorithm>

#include "common/sockets.h"

namespace bench {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr int kEvents = 256;

std::uint64_t ns(double seconds) {
  return std::uint64_t(seconds * 1e9);
}

void event(const Options& options, const char* name) {
  if (!options.events) return;
  std::printf("{\"event\":\"%s\"}\n", name);
  std::fflush(stdout);
}

}  // namespace

Load::Load(const Options& options, const Mix& mix)
    : options_(options),
      mix_(mix),
      epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      space_(256 * 1024) {}

Load::~Load() {
  close(epoll_);
}

bool Load::run() {
  connect_all();
  start();
  loop();
  judge();
  return failure_.empty();
}

void Load::connect_all() {
  for (std::uint32_t i = 0; i < options_.connections; ++i) {
    connections_.push_back(std::make_unique<Connection>(i, connect_to(options_.port), options_.dialect, mix_,
                                                        options_.depth, options_.keys));
    watch(epoll_, EPOLL_CTL_ADD, connections_.back()->fd(), EPOLLIN, connections_.back().get());
  }
  event(options_, "connected");
  if (options_.wait) std::getchar();
}

void Load::start() {
  began_ = now_ns();
  measure_from_ = began_ + ns(options_.warmup);
  if (options_.requests == 0) measure_to_ = measure_from_ + ns(options_.duration);
  next_progress_ = began_ + kSecond;
  if (options_.rate > 0) schedule_.emplace(options_.rate, began_);
}

void Load::loop() {
  now_ = now_ns();
  step(now_);
  if (!schedule_) {
    for (auto& connection : connections_) refill(*connection, now_);
  }
  while (!finished(now_) && failure_.empty()) {
    wait(now_);
    step(now_);
  }
  if (measuring_) end_measuring(now_);
}

bool Load::finished(std::uint64_t now) const {
  if (options_.requests > 0 && received_ == options_.requests) return true;
  if (now < measure_to_) return false;
  return unanswered() == 0 || now > measure_to_ + ns(options_.drain);
}

// What the clock asks for.
void Load::step(std::uint64_t now) {
  if (!measuring_ && !sending_over_ && now >= measure_from_) begin_measuring(now);
  if (measuring_ && now >= measure_to_) end_measuring(now);
  if (schedule_) send_due(now);
  if (now >= next_progress_) progress(now);
}

void Load::begin_measuring(std::uint64_t now) {
  measuring_ = true;
  measure_from_ = now;
  if (options_.requests == 0) measure_to_ = now + ns(options_.duration);
  cpu_.begin(now);
  event(options_, "begin");
}

void Load::end_measuring(std::uint64_t now) {
  measuring_ = false;
  sending_over_ = true;
  measure_to_ = now;
  measured_seconds_ = double(now - measure_from_) / 1e9;
  cpu_.end(now);
  event(options_, "end");
}

void Load::send_due(std::uint64_t now) {
  while (may_send() && schedule_->next() < measure_to_) {
    const std::uint64_t intended = schedule_->next();
    if (!schedule_->take(now)) break;
    Connection& connection = *connections_[sent_++ % connections_.size()];
    if (!connection.wants_write()) touched_.push_back(&connection);
    connection.request(intended);
  }
  for (Connection* connection : touched_) flush(*connection);
  touched_.clear();
}

void Load::refill(Connection& connection, std::uint64_t now) {
  while (connection.room() > 0 && may_send()) {
    connection.request(now);
    ++sent_;
  }
  flush(connection);
}

// Until something can be read or written, the schedule or the clock asks for something.
void Load::wait(std::uint64_t now) {
  std::uint64_t until = next_progress_;
  if (now < measure_from_) until = std::min(until, measure_from_);
  if (now < measure_to_) until = std::min(until, measure_to_);
  if (schedule_ && may_send()) until = std::min(until, schedule_->next());
  const std::uint64_t left = until > now ? until - now : 0;
  const timespec timeout{std::time_t(left / kSecond), long(left % kSecond)};
  epoll_event events[kEvents];
  const int n = epoll_pwait2(epoll_, events, kEvents, &timeout, nullptr);
  if (n < 0 && errno != EINTR) fail("epoll_pwait2");
  now_ = now_ns();
  for (int i = 0; i < n && failure_.empty(); ++i)
    serve(*static_cast<Connection*>(events[i].data.ptr), events[i].events);
}

void Load::serve(Connection& connection, std::uint32_t events) {
  now_ = now_ns();
  if ((events & ~EPOLLOUT) != 0 && !connection.read(space_, *this))
    return wrong("the server closed a connection");
  if (schedule_) {
    flush(connection);
  } else {
    refill(connection, now_);
  }
}

void Load::flush(Connection& connection) {
  const bool more = connection.flush();
  if (more == connection.watched_for_write) return;
  connection.watched_for_write = more;
  watch(epoll_, EPOLL_CTL_MOD, connection.fd(), more ? EPOLLIN | EPOLLOUT : EPOLLIN, &connection);
}

void Load::answered(std::uint64_t intended, const std::string& error) {
  ++received_;
  if (measuring_) ++received_measuring_;
  if (!error.empty()) ++errors_[error];
  const std::uint64_t latency = now_ > intended ? now_ - intended : 0;
  if (intended >= measure_from_ && intended < measure_to_) latency_.add(latency);
  if (!options_.quiet) recent_.add(latency);
}

void Load::wrong(const std::string& what) {
  if (failure_.empty()) failure_ = what;
}

std::uint64_t Load::unanswered() const {
  std::uint64_t sum = 0;
  for (const auto& connection : connections_) sum += connection->unanswered() + connection->backlog();
  return sum;
}

void Load::judge() {
  if (const auto missing = unanswered(); failure_.empty() && missing > 0) {
    failure_ = std::to_string(missing) + " requests were not answered";
  }
  if (!failure_.empty() || options_.allow_errors || errors_.empty()) return;
  for (const auto& [symbol, count] : errors_) failure_ += symbol + " " + std::to_string(count) + " times; ";
  failure_ = "error replies: " + failure_.substr(0, failure_.size() - 2);
}

}  // namespace bench
