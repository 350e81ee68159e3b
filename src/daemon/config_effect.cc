// The keys that are read and checked but do nothing: their feature is not built yet (building it deletes its
// row here), or they stand where they cannot have an effect.
#include <string>
#include <vector>

#include "daemon/config_read.h"

namespace linegate::daemon {
namespace {

struct Unbuilt {
  const char* path;     // "*" is any name
  const char* neutral;  // the value that asks for nothing, as JSON; "" = there is none
  const char* why = "";
};

constexpr Unbuilt kUnbuilt[] = {
    {"server.workers", "1"},
    {"server.watch_config", "false"},
    {"server.tls", ""},
    {"admin", ""},
    {"client.*", ""},
    {"route.*.retry.budget", "", " (it is the upstream's)"},
    {"route.*.retry.gate_max", "", " (it is the upstream's)"},
};

std::string as_json(const Node& node) {
  if (node.is_string()) return '"' + node.text + '"';
  return scalar_text(node).value_or("{}");
}

void warn(Diagnostics& out, const Node& node, Position at, std::string_view path, const std::string& shown,
          const Unbuilt& row) {
  if (path.empty()) {
    if (as_json(node) != row.neutral) out.warning(at, shown + ": accepted, not in effect" + row.why);
    return;
  }
  std::size_t dot = path.find('.');
  std::string_view step = path.substr(0, dot);
  std::string_view rest = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  for (const Node::Member& member : node.members) {
    if (step != "*" && step != member.key) continue;
    warn(out, member.value, member.at, rest, shown.empty() ? member.key : shown + '.' + member.key, row);
  }
}

}  // namespace

void warn_not_in_effect(Diagnostics& out, const Node& root) {
  for (const Unbuilt& row : kUnbuilt) warn(out, root, {}, row.path, "", row);
}

bool in_effect(std::string_view path) {
  for (const Unbuilt& row : kUnbuilt) {
    if (row.path == path) return false;
  }
  return true;
}

}  // namespace linegate::daemon
