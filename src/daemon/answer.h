// What a call came to, independent of the dialect: JSON or an error, and what happened on the way.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/response.h"
#include "wire/error.h"

namespace linegate::daemon {

struct Answer {
  std::string text;                          // valid JSON; see json()
  std::shared_ptr<const Response> response;  // set: its body is the JSON, which others may be given, too
  std::optional<wire::Error> error;
  std::string meta;  // a JSON object, or empty

  static Answer of(std::string json) { return {std::move(json), nullptr, std::nullopt, {}}; }
  static Answer of(std::shared_ptr<const Response> response) {
    return {{}, std::move(response), std::nullopt, {}};
  }
  static Answer of(wire::Error error) { return {{}, nullptr, std::move(error), {}}; }

  // The answer, unless there is an error. Not yet minified, unless minified() says so.
  std::string_view json() const { return response ? std::string_view(response->body) : text; }
  bool minified() const { return response && response->minified(); }
};

}  // namespace linegate::daemon
