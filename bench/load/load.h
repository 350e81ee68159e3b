// A run: the connections, when requests leave, what is measured. One thread, one epoll set.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/histogram.h"
#include "load/connection.h"
#include "load/mix.h"
#include "load/options.h"
#include "load/own_cpu.h"
#include "load/schedule.h"

namespace bench {

class Load final : private Listener {
 public:
  Load(const Options& options, const Mix& mix);
  ~Load();

  // Connects, warms up, measures, waits for the last replies. False if the run has failed.
  bool run();

  // The server could not show what it can do: the generator, or what shares its core, could not keep up.
  bool was_the_limit() const { return !schedule_ && cpu_.was_the_limit(); }

  const std::string& failure() const { return failure_; }  // empty if it has not failed

  // Everything measured, as one JSON object.
  std::string json() const;

 private:
  void connect_all();
  void start();
  void loop();
  bool finished(std::uint64_t now) const;
  void step(std::uint64_t now);
  void begin_measuring(std::uint64_t now);
  void end_measuring(std::uint64_t now);
  void send_due(std::uint64_t now);
  void refill(Connection& connection, std::uint64_t now);
  void wait(std::uint64_t now);
  void serve(Connection& connection, std::uint32_t events);
  void flush(Connection& connection);
  void progress(std::uint64_t now);
  void judge();
  std::uint64_t unanswered() const;
  bool may_send() const { return !sending_over_ && (options_.requests == 0 || sent_ < options_.requests); }

  void answered(std::uint64_t intended, const std::string& error) override;
  void wrong(const std::string& what) override;

  const Options& options_;
  const Mix& mix_;
  int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> touched_;  // in open loop: with something to write
  std::vector<char> space_;
  std::optional<Schedule> schedule_;

  std::uint64_t began_ = 0;  // all in nanoseconds of CLOCK_MONOTONIC
  std::uint64_t measure_from_ = 0;
  std::uint64_t measure_to_ = UINT64_MAX;
  std::uint64_t next_progress_ = 0;
  std::uint64_t now_ = 0;
  bool measuring_ = false;
  bool sending_over_ = false;

  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;            // in all
  std::uint64_t received_measuring_ = 0;  // while measuring
  std::uint64_t progress_mark_ = 0;
  double measured_seconds_ = 0;
  std::map<std::string, std::uint64_t> errors_;
  std::string failure_;
  linegate::Histogram latency_;
  linegate::Histogram recent_;  // since the last progress line
  OwnCpu cpu_;
};

}  // namespace bench
