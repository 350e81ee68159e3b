// Which versions of libcurl must not be used, and why. The reasons are bugs met or reported (dependencies:
// none).
#pragma once

#include <string>

namespace linegate {

struct CurlVerdict {
  std::string refuse;   // not empty: a sentence; the library must not be used
  std::string warning;  // not empty: a sentence worth one line in a log
};

// `version` is 0xXXYYZZ, as LIBCURL_VERSION_NUM.
CurlVerdict check_curl(unsigned version);

// The library found at run time.
unsigned curl_version_number();
std::string curl_version_text();  // "8.14.1"

// HTTP/2 reports aborted bodies as complete and stalls before 8.10.
inline constexpr unsigned kFirstGoodHttp2 = 0x080a00;

}  // namespace linegate
