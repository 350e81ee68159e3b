// Memo: which stored answer a line of text asks for, for lines that were answered from the cache lately. The
// same line again needs no parsing, binding and rendering then, only the look-up: it is the cache that says,
// each time, whether there is an answer. Of fixed size, owned by the Context.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/route.h"
#include "upstream/key.h"

namespace linegate::daemon {

class Memo {
 public:
  static constexpr std::size_t kLines =
      4096;  // allocated with the first; a newer line takes an older one's place
  static constexpr std::size_t kMaxLine = 256;  // longer ones are not kept

  struct Known {
    const Route* route = nullptr;
    RequestKey key;
  };

  // Null if the line is not known. Valid until the next note().
  const Known* find(std::string_view line) const;
  void note(std::string_view line, const Route& route, RequestKey key);

 private:
  struct Slot {
    std::string line;  // none is empty
    Known known;
  };
  std::vector<Slot> slots_;
};

}  // namespace linegate::daemon
