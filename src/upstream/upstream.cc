#include "upstream/upstream.h"

#include <utility>

#include "json/quote.h"

namespace linegate {
namespace {

long long integer(std::uint64_t value) {
  return static_cast<long long>(value);
}

}  // namespace

Upstream::Upstream(Session& session, UpstreamOptions options)
    : session_(session),
      options_(std::move(options)),
      origin_(session.make_origin(options_.base_url, options_.origin)),
      pace_(PaceOptions{.max_in_flight = options_.gate.max_in_flight}, session.loop().now()),
      gate_timer_(session.loop(), gate_),
      gate_(options_.gate, pace_, gate_timer_),
      flights_(session.loop().queue()) {}

std::string Upstream::queue_json() const {
  json::Object object;
  object.number("in_flight", integer(in_flight()));
  object.number("max_in_flight", integer(options_.gate.max_in_flight));
  object.number("waiting", integer(queued()));
  object.number("max_queue", integer(options_.gate.max_queue));
  return object.take();
}

std::string Upstream::stats_json() const {
  json::Object object;
  object.number("in_flight", integer(in_flight()));
  object.number("waiting", integer(queued()));
  object.number("calls", integer(stats_.calls));
  object.number("attempts", integer(stats_.attempts));
  object.number("replays", integer(stats_.replays));
  object.number("refused", integer(stats_.refused));
  object.number("timeouts", integer(stats_.timeouts));
  object.number("failed", integer(stats_.failed));
  object.number("orphans", integer(stats_.orphans));
  return object.take();
}

void Upstream::count(const Outcome& outcome) {
  const auto& error = outcome.response.error;
  if (!error) return;
  ++stats_.failed;
  if (error->kind == ErrorKind::overloaded) ++stats_.refused;
  if (error->kind == ErrorKind::timeout) ++stats_.timeouts;
}

}  // namespace linegate
