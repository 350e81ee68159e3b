#include "daemon/version.h"

#include <simdjson.h>
#include <uv.h>

#include "http/curl_version.h"

namespace linegate::daemon {
namespace {

// simdjson does not say at run time; its soname changes with each version that is not compatible.
std::string simdjson_version() {
  return std::to_string(simdjson::SIMDJSON_VERSION_MAJOR) + "." +
         std::to_string(simdjson::SIMDJSON_VERSION_MINOR) + "." +
         std::to_string(simdjson::SIMDJSON_VERSION_REVISION) + " (" +
         simdjson::get_active_implementation()->name() + ")";
}

}  // namespace

std::string version_text() {
  return "linegate " LINEGATE_VERSION "\nlibuv " + std::string(uv_version_string()) + ", libcurl " +
         curl_version_text() + ", simdjson " + simdjson_version();
}

}  // namespace linegate::daemon
