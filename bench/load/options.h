// What linegate-load was asked for.
#pragma once

#include <cstdint>
#include <string>

#include "load/dialect.h"

namespace bench {

struct Options {
  int port = 15555;  // on 127.0.0.1
  Dialect dialect = Dialect::text;
  std::uint32_t connections = 64;
  std::uint32_t depth =
      1;              // requests of a connection that may be unanswered at a time; 0 = connect and stay idle
  double rate = 0;    // requests a second over all connections: open loop. 0 = closed loop
  double warmup = 1;  // seconds
  double duration = 5;         // seconds of measuring
  double drain = 10;           // seconds within which the last replies must come
  std::uint64_t requests = 0;  // stop after so many instead of after a time; no warm-up then
  std::uint32_t keys = 0;      // different tokens; 0 = each request has its own
  std::string mix;             // a file; else `words` and `size`
  std::string words = "item {id}";
  std::string expect = "100";
  bool allow_errors = false;  // error replies are counted, not a failure
  bool wait = false;          // once connected, until stdin has a line or ends
  bool histogram = false;     // in the JSON
  bool quiet = false;         // no progress line
  bool events = false;        // {"event":"connected"}, "begin" and "end" on stdout
};

// Ends the program for --help and for what it does not understand.
Options parse_options(int argc, char** argv);

}  // namespace bench
