// Which redirects are followed (RFC 9110 section 15.4), and what is sent along. Pure; sends nothing.
#pragma once

#include <optional>

#include "http/request.h"
#include "http/response.h"
#include "http/url.h"

namespace linegate {

// A complete response with 301, 302, 303, 307 or 308 and a Location.
bool is_redirect(const Response& response);

// Where `response` sends us, if we may go there: GET and HEAD only, never from https to http, and with
// `policy.same_host` nowhere but to the same scheme, host and port. nullopt: the response itself is the
// answer.
std::optional<Url> redirect_target(const Response& response, const Url& from, const Request& request,
                                   const Redirects& policy);

bool same_origin(const Url& one, const Url& other);  // RFC 6454 section 4: scheme, host and port

// Leaves nothing but Accept, Accept-Language and User-Agent: other fields, known ones or not, may be
// credentials.
void strip_for_foreign_host(Request& request);
// Likewise: no client certificate.
OriginOptions options_for_foreign_host(OriginOptions options);

}  // namespace linegate
