// How the process's allocator treats memory that is free for the moment. Called once, before a server starts.
#pragma once

namespace linegate::daemon {

// Bodies of a few MiB come and go with each call. glibc would give their pages back to the kernel each time,
// and fault them in again, which costs more than checking the JSON in them. This keeps up to 32 MiB.
// Does nothing with another libc.
void keep_freed_memory();

}  // namespace linegate::daemon
