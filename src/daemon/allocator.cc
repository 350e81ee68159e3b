#include "daemon/allocator.h"

#include <cstdlib>  // for __GLIBC__

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace linegate::daemon {

void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kKeptFree = 32 << 20;
  constexpr int kOwnMapping = 8 << 20;  // larger blocks go back to the kernel as soon as they are free
  mallopt(M_TRIM_THRESHOLD, kKeptFree);
  mallopt(M_MMAP_THRESHOLD, kOwnMapping);  // alone, the first option would make each large block a mapping
#endif
}

}  // namespace linegate::daemon
