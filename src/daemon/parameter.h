// A route's parameters: their declaration, and checking one argument against it. Knows no templates and no
// routes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/error.h"
#include "wire/message.h"

namespace linegate::daemon {

enum class Type {
  string,   // any text, max_length code points
  integer,  // "int": JSON's grammar without fraction and exponent, within int64
  number,   // JSON's grammar, passed on byte for byte, any size
  boolean,  // "bool": true or false
};
std::string_view name(Type type);  // as written in the config: "string", "int", "number", "bool"

inline constexpr std::uint64_t kDefaultMaxLength = 1024;

struct Parameter {
  std::string name;
  std::string help;
  Type type = Type::string;
  bool required = false;
  // Values are kept as text: decoded for strings, JSON for the others (where both are the same).
  std::optional<std::string> fallback;  // `default`
  std::vector<std::string> choices;     // `enum`; empty = any
  std::optional<std::string> min;       // int and number only
  std::optional<std::string> max;
  std::uint64_t max_length = kDefaultMaxLength;  // strings only, in code points
};

// A bound argument. Strings are decoded text, others the argument's own bytes, which are JSON.
struct Value {
  std::string text;
  bool given = false;  // false = not given and no default; what it stands in is left out
};

// One argument's text as a value of `parameter`: from the text dialect the decoded word, from JSON-RPC raw
// JSON, whose type must be the declared one. JSON null must have been taken out by the caller.
std::optional<wire::Error> read_argument(const Parameter& parameter, std::string_view argument,
                                         wire::Dialect dialect, std::string& text);

// Whether a text of the right type keeps to enum, min, max and max_length; the sentence that says why not,
// e.g. `parameter "limit" must be at most 50`. Used for arguments and for defaults.
std::optional<wire::Error> check_value(const Parameter& parameter, std::string_view text);

// Whether `text` is of `type`'s grammar.
bool matches(Type type, std::string_view text);

// `weather <city> [units]`: required ones in <>, others in [].
std::string usage(std::string_view route, const std::vector<Parameter>& parameters);

// Binds a call's arguments to the declared parameters (protocol.md section 2): by position in declared order,
// by name, defaults filled in. The result has one Value per parameter, in declared order.
std::optional<wire::Error> bind_arguments(std::string_view route, const std::vector<Parameter>& parameters,
                                          const std::vector<wire::Argument>& arguments, wire::Dialect dialect,
                                          std::vector<Value>& values);

}  // namespace linegate::daemon
