// What is asked for, and under which limits: plain values, used by Session and by what stands above it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "http/body_budget.h"
#include "http/clocks.h"
#include "http/headers.h"
#include "http/url.h"

namespace linegate {

// A request to one origin.
struct Request {
  std::string method = "GET";         // a token; case matters
  std::string target = "/";           // see valid_target()
  const HeaderList* fixed = nullptr;  // prebuilt fields, or none; must outlive the call
  Fields headers;    // further fields, checked when sent; one given here and in `fixed` goes out twice
  std::string body;  // sent with any method but HEAD if not empty; with POST, PUT and PATCH always

  bool safe() const { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }
  // RFC 9110 section 9.2.2.
  bool idempotent() const { return safe() || method == "PUT" || method == "DELETE"; }
};

struct Redirects {
  unsigned max = 0;       // how many in a row are followed: GET and HEAD only, never from https to http
  bool same_host = true;  // only to the same scheme, host and port. Elsewhere only Accept, Accept-Language
                          // and User-Agent are sent along.
};

// A request that is under way, as others see it. Kept up to date by its transfers, of which there may be
// several.
struct Progress {
  Phase phase = Phase::queue;
  bool sent = false;  // the first byte is about to go out, or has gone; stays set over further attempts
};

struct SendOptions {
  Clocks clocks;  // its deadlines may be moved later while the request is under way
  std::size_t max_body = std::size_t{64} << 20;  // decoded bytes
  Redirects redirects;
  bool fresh_connection = false;  // not one that was kept
  BodyBudget* budget = nullptr;   // charged for the body; must outlive the response
  Progress* progress = nullptr;   // must outlive the call
};

struct TlsOptions {
  std::string ca_file;      // PEM; empty = the system's
  std::string client_cert;  // PEM
  std::string client_key;   // PEM; empty = in client_cert
  bool verify = true;
};

// How to talk to an origin. The same for all its requests.
struct OriginOptions {
  bool http2 = false;       // TLS and ALPN; falls back to 1.1. Refused by check_curl() below libcurl 8.10
  bool gzip = true;         // ask for it; bodies arrive decoded
  std::string proxy;        // URL of a proxy; empty = none, whatever the environment says
  Duration max_idle = 60s;  // a connection idle for longer is not used again; whole seconds, at least 1
  Duration dns_refresh = 30s;
  TlsOptions tls;
};

}  // namespace linegate
