// The versions of the program and of the libraries found at run time.
#pragma once

#include <string>

namespace linegate::daemon {

// "linegate 0.1.0\nlibuv 1.44.2, libcurl 7.88.1, simdjson 3.0.1 (haswell)"
std::string version_text();

}  // namespace linegate::daemon
