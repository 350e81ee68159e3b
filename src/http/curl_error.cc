#include "http/curl_error.h"

#include <cstring>
#include <string_view>

#include "base/printable.h"

namespace linegate {
namespace {

constexpr std::size_t kMaxDetail = 160;
constexpr int kTooLarge = 100;  // CURLE_TOO_LARGE, from 8.6 on: headers over a limit

bool is_tls(CURLcode code) {
  switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
      return true;
    default:
      return false;
  }
}

std::string_view sentence(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::dns:
      return "the name cannot be resolved";
    case ErrorKind::connect:
      return "no connection";
    case ErrorKind::tls:
      return "no TLS connection";
    case ErrorKind::reset:
      return "the connection was lost before the response was complete";
    case ErrorKind::bad_payload:
      return "the response is not valid HTTP, or its content encoding does not decode";
    case ErrorKind::bad_request:
      return "the request cannot be sent";
    default:
      return "the request failed";
  }
}

}  // namespace

ErrorKind kind_before_sent(CURLcode code) {
  if (is_tls(code)) return ErrorKind::tls;
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return ErrorKind::dns;
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_NOT_BUILT_IN:
      return ErrorKind::bad_request;
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorKind::timeout;
    default:
      return ErrorKind::connect;
  }
}

ErrorKind kind_after_sent(CURLcode code) {
  if (static_cast<int>(code) == kTooLarge) return ErrorKind::bad_payload;
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:  // an answer that does not begin with "HTTP/"
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return ErrorKind::bad_payload;
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorKind::timeout;
    default:
      return ErrorKind::reset;
  }
}

std::string failure_message(ErrorKind kind, CURLcode code, const char* detail, int system_error) {
  std::string text(sentence(kind));
  if (system_error != 0) {
    text += ": ";
    text += std::strerror(system_error);
  } else if (detail[0] != '\0') {
    text += ": " + printable(detail, kMaxDetail);
  } else {
    text += ": " + printable(curl_easy_strerror(code), kMaxDetail);
  }
  return text;
}

}  // namespace linegate
