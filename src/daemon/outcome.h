// An upstream's outcome as the protocol's Answer (protocol.md section 5): JSON checked, errors mapped,
// secrets masked, meta told. Pure.
#pragma once

#include <string>
#include <string_view>

#include "daemon/answer.h"
#include "daemon/config.h"
#include "daemon/route.h"
#include "json/checker.h"
#include "upstream/upstream.h"

namespace linegate::daemon {

inline constexpr std::size_t kMaxErrorBody = 16 * 1024;  // a JSON body of a status error, shown whole
inline constexpr std::size_t kMaxExcerpt = 512;          // bytes of any other

// Shares the response. Meta is written only where it is wanted: it costs as much as the rest.
Answer to_answer(const Outcome& outcome, const Route& route, const SecretSet& secrets, bool want_meta);

}  // namespace linegate::daemon
