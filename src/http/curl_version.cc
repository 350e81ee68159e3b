#include "http/curl_version.h"

#include <curl/curl.h>

namespace linegate {

CurlVerdict check_curl(unsigned version) {
  if (version < 0x075800) {
    return {
        "libcurl older than 7.88.0 is not supported: 7.81 crashes, and options that linegate relies on are "
        "missing",
        ""};
  }
  if (version == 0x081400) {
    return {
        "libcurl 8.20.0 is not supported: its multi interface spins at full load (curl #21547); 8.21 is "
        "fixed",
        ""};
  }
  if (version >= 0x080a00 && version < 0x080b01) {
    return {"", "this libcurl forgets deadlines now and then (curl #15627); linegate looks once a second"};
  }
  return {};
}

unsigned curl_version_number() {
  return curl_version_info(CURLVERSION_NOW)->version_num;
}

std::string curl_version_text() {
  return curl_version_info(CURLVERSION_NOW)->version;
}

}  // namespace linegate
