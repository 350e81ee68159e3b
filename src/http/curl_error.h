// From libcurl's result codes, whose numbers differ between versions, to kinds of error. Not part of the
// library's interface.
#pragma once

#include <curl/curl.h>

#include <string>

#include "http/response.h"

namespace linegate {

// The kind of a failure before the request was sent, and after.
ErrorKind kind_before_sent(CURLcode code);
ErrorKind kind_after_sent(CURLcode code);

// A sentence in printable ASCII. `detail` is CURLOPT_ERRORBUFFER's text or empty, `system_error` an errno or
// 0.
std::string failure_message(ErrorKind kind, CURLcode code, const char* detail, int system_error);

}  // namespace linegate
