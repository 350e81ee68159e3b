// Once a second with a count: keeps an event that repeats from filling the log. Pure; time is passed in.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace linegate::daemon {

class Repeated {
 public:
  static constexpr Duration kInterval = 1s;

  // An event of this kind happened. True: tell it now. False: it is counted, and take() will give it. Kinds
  // are few and known to the program.
  bool happened(std::string_view kind, Time now);

  // What was counted, of the kinds that were last told an interval before `now` or earlier.
  std::vector<std::pair<std::string, std::size_t>> take(Time now);

  // When take() has something to give; nullopt if nothing is counted.
  std::optional<Time> next() const;

 private:
  struct Kind {
    Time told;
    std::size_t counted = 0;
  };
  std::map<std::string, Kind, std::less<>> kinds_;
};

}  // namespace linegate::daemon
