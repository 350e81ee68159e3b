// See router_text.h.
#include "daemon/router_text.h"

#include <algorithm>

#include "daemon/schema.h"
#include "json/quote.h"

namespace linegate::daemon {
namespace {

// A value that is kept as text, as JSON.
std::string value_json(const Parameter& parameter, const std::string& text) {
  return parameter.type == Type::string ? json::quoted(text) : text;
}

std::string choices_json(const Parameter& parameter) {
  json::Array list;
  for (const std::string& choice : parameter.choices) list.raw(value_json(parameter, choice));
  return list.take();
}

std::string parameter_json(const Parameter& parameter) {
  json::Object out;
  out.text("name", parameter.name).text("type", name(parameter.type)).flag("required", parameter.required);
  if (parameter.fallback) out.raw("default", value_json(parameter, *parameter.fallback));
  if (!parameter.help.empty()) out.text("help", parameter.help);
  if (!parameter.choices.empty()) out.raw("enum", choices_json(parameter));
  if (parameter.min) out.raw("min", *parameter.min);
  if (parameter.max) out.raw("max", *parameter.max);
  if (parameter.type == Type::string) out.number("max_length", static_cast<long long>(parameter.max_length));
  return out.take();
}

std::string route_json(const Route& route) {
  json::Array params;
  for (const Parameter& parameter : route.config().params) params.raw(parameter_json(parameter));
  json::Object out;
  out.text("name", route.name()).text("help", route.config().help).raw("params", params.take());
  return out.flag("idempotent", route.idempotent()).take();
}

std::string parameter_line(const Parameter& parameter) {
  std::string line = "  " + parameter.name + ": " + std::string(name(parameter.type));
  line += parameter.required ? ", required" : "";
  if (!parameter.choices.empty()) line += ", " + one_of(parameter.choices);
  if (parameter.min) line += ", at least " + *parameter.min;
  if (parameter.max) line += ", at most " + *parameter.max;
  if (parameter.type == Type::string && parameter.choices.empty()) {
    line += ", at most " + std::to_string(parameter.max_length) + " characters";
  }
  if (parameter.fallback) line += ", default " + value_json(parameter, *parameter.fallback);
  if (!parameter.help.empty()) line += "; " + parameter.help;
  return line;
}

// JSON Schema draft 7, which OpenRPC uses.
std::string schema_json(const Parameter& parameter) {
  static constexpr const char* kTypes[] = {"string", "integer", "number", "boolean"};
  json::Object out;
  out.text("type", kTypes[static_cast<int>(parameter.type)]);
  if (!parameter.choices.empty()) out.raw("enum", choices_json(parameter));
  if (parameter.min) out.raw("minimum", *parameter.min);
  if (parameter.max) out.raw("maximum", *parameter.max);
  if (parameter.type == Type::string) out.number("maxLength", static_cast<long long>(parameter.max_length));
  if (parameter.fallback) out.raw("default", value_json(parameter, *parameter.fallback));
  return out.take();
}

std::string descriptor_json(const Parameter& parameter) {
  json::Object out;
  out.text("name", parameter.name);
  if (!parameter.help.empty()) out.text("description", parameter.help);
  return out.flag("required", parameter.required).raw("schema", schema_json(parameter)).take();
}

// OpenRPC wants required parameters first; where that is not the declared order, they go by name only.
std::string method_json(const Route& route) {
  const std::vector<Parameter>& declared = route.config().params;
  auto required = [](const Parameter& parameter) { return parameter.required; };
  bool in_order = std::is_partitioned(declared.begin(), declared.end(), required);
  json::Array params;
  for (bool wanted : {true, false}) {
    for (const Parameter& parameter : declared) {
      if (parameter.required == wanted) params.raw(descriptor_json(parameter));
    }
  }
  json::Object out;
  out.text("name", route.name());
  if (!route.config().help.empty()) out.text("summary", route.config().help);
  out.text("paramStructure", in_order ? "either" : "by-name").raw("params", params.take());
  const char* schema = route.config().response == ResponseKind::text ? R"({"type":"string"})" : "{}";
  json::Object result;
  return out.raw("result", result.text("name", "result").raw("schema", schema).take()).take();
}

}  // namespace

std::string help_text(const std::deque<Route>& routes) {
  json::Array lines;
  for (const Route& route : routes) {
    const std::string& help = route.config().help;
    lines.text(help.empty() ? route.usage() : route.usage() + " - " + help);
  }
  lines.text("built in: ping, hello, help [route], routes, explain <route> ..., stats, quit");
  lines.text("options: @id=TOKEN @timeout=DURATION @fresh @meta @raw");
  return lines.take();
}

std::string route_help_text(const Route& route) {
  json::Array lines;
  lines.text(route.usage());
  if (!route.config().help.empty()) lines.text(route.config().help);
  for (const Parameter& parameter : route.config().params) lines.text(parameter_line(parameter));
  return lines.take();
}

std::string routes_text(const std::deque<Route>& routes) {
  json::Array list;
  for (const Route& route : routes) list.raw(route_json(route));
  return list.take();
}

std::string openrpc_text(const std::deque<Route>& routes) {
  json::Array methods;
  for (const Route& route : routes) methods.raw(method_json(route));
  json::Object about;
  about.text("title", "linegate").text("version", LINEGATE_VERSION);
  json::Object document;
  return document.text("openrpc", "1.2.6").raw("info", about.take()).raw("methods", methods.take()).take();
}

}  // namespace linegate::daemon
