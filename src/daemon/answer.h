// What a call came to, independent of the dialect: JSON or an error, and what happened on the way.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "wire/error.h"

namespace linegate::daemon {

struct Answer {
  std::string json;  // valid JSON, not yet minified; unused if there is an error
  std::optional<wire::Error> error;
  std::string meta;  // a JSON object, or empty

  static Answer of(std::string json) { return {std::move(json), std::nullopt, {}}; }
  static Answer of(wire::Error error) { return {{}, std::move(error), {}}; }
};

}  // namespace linegate::daemon
