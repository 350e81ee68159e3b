// The keys that are read and checked but whose feature is not built yet. Building one deletes its row here.
#include <string>
#include <vector>

#include "daemon/config_read.h"

namespace linegate::daemon {
namespace {

struct Unbuilt {
  const char* path;     // "*" is any name
  const char* neutral;  // the value that asks for nothing, as JSON; "" = there is none
};

constexpr Unbuilt kUnbuilt[] = {
    {"server.workers", "1"},
    {"server.watch_config", "false"},
    {"server.tls", ""},
    {"admin", ""},
    {"client.*", ""},
    {"cache", ""},
    {"defaults.coalesce", "false"},
    {"defaults.retry", ""},
    {"defaults.breaker", ""},
    {"defaults.cache", ""},
    {"upstream.*.coalesce", "false"},
    {"upstream.*.retry", ""},
    {"upstream.*.breaker", ""},
    {"upstream.*.cache", ""},
    {"upstream.*.rate", ""},
    {"upstream.*.quota", "\"off\""},
    {"route.*.coalesce", "false"},
    {"route.*.retry", ""},
    {"route.*.breaker", ""},
    {"route.*.cache", ""},
    {"route.*.hedge", ""},
    {"route.*.idempotency_key", ""},
};

std::string as_json(const Node& node) {
  if (node.is_string()) return '"' + node.text + '"';
  return scalar_text(node).value_or("{}");
}

void warn(Diagnostics& out, const Node& node, Position at, std::string_view path, const std::string& shown,
          std::string_view neutral) {
  if (path.empty()) {
    if (as_json(node) != neutral) out.warning(at, shown + ": accepted, not in effect");
    return;
  }
  std::size_t dot = path.find('.');
  std::string_view step = path.substr(0, dot);
  std::string_view rest = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  for (const Node::Member& member : node.members) {
    if (step != "*" && step != member.key) continue;
    warn(out, member.value, member.at, rest, shown.empty() ? member.key : shown + '.' + member.key, neutral);
  }
}

}  // namespace

void warn_not_in_effect(Diagnostics& out, const Node& root) {
  for (const Unbuilt& row : kUnbuilt) warn(out, root, {}, row.path, "", row.neutral);
}

bool in_effect(std::string_view path) {
  for (const Unbuilt& row : kUnbuilt) {
    if (row.path == path) return false;
  }
  return true;
}

}  // namespace linegate::daemon
