// Numbers that name things for the life of the process: above 0, never the same twice, in any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace linegate {

inline std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace linegate
