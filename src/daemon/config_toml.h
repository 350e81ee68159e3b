// TOML text to a tree of nodes. The only place that knows the TOML library; knows no key's meaning.
#pragma once

#include <optional>
#include <string_view>

#include "daemon/diagnostic.h"
#include "daemon/schema.h"

namespace linegate::daemon {

// The whole file as a table whose members stand in file order; nullopt after reporting one syntax error.
std::optional<Node> parse_toml(std::string_view text, Diagnostics& diagnostics);

}  // namespace linegate::daemon
