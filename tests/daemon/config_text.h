// Reads config texts in tests: what they say, or what is wrong with them.
#pragma once

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/router.h"
#include "wire/message.h"

namespace linegate::daemon {

// libcurl 8.14.1
inline constexpr LoadOptions kNewLibcurl{0x080e01};

// Each diagnostic as printed; the file is called "f".
inline std::vector<std::string> diagnose(const std::string& text, const LoadOptions& options = kNewLibcurl) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : parse_config(text, "f", options).diagnostics)
    lines.push_back(diagnostic.text());
  return lines;
}

// The config that `text` makes; throws its first diagnostic if it has an error.
inline std::shared_ptr<const Config> config_of(const std::string& text,
                                               const LoadOptions& options = kNewLibcurl) {
  LoadedConfig loaded = parse_config(text, "f", options);
  if (!loaded.config) throw std::runtime_error(loaded.diagnostics.at(0).text());
  return loaded.config;
}

// Lines 1 and 2; what is added begins on line 3.
inline std::string with_upstream(const std::string& rest) {
  return "[upstream.api]\nbase_url = \"https://api.example/v1\"\n" + rest;
}

// A route `r` of that upstream; `keys` begin on line 5, and must have a path.
inline std::string with_route(const std::string& keys) {
  return with_upstream("[route.r]\nupstream = \"api\"\n" + keys);
}

// Text dialect: "name=value" words become named arguments.
inline wire::Call text_call(const std::string& method, const std::vector<wire::Argument>& arguments = {}) {
  wire::Call call;
  call.method = method;
  call.arguments = arguments;
  return call;
}

inline wire::Call jsonrpc_call(const std::string& method, const std::vector<wire::Argument>& arguments = {}) {
  wire::Call call = text_call(method, arguments);
  call.to.dialect = wire::Dialect::jsonrpc;
  return call;
}

// The request, or a throw of the error's sentence.
inline OutboundRequest sent(const Router& router, const wire::Call& call) {
  auto result = router.request(call);
  if (auto* error = std::get_if<wire::Error>(&result)) throw std::runtime_error(error->message);
  return std::get<OutboundRequest>(std::move(result));
}

// The error as the text dialect's object would hold it: `symbol message members`.
inline std::string refused(const Router& router, const wire::Call& call) {
  auto result = router.request(call);
  auto* error = std::get_if<wire::Error>(&result);
  return error ? std::string(wire::name(error->symbol)) + ' ' + error->message + ' ' + error->members
               : "sent";
}

}  // namespace linegate::daemon
