// Reads a route's params.
#include <algorithm>

#include "base/printable.h"
#include "daemon/config_read.h"

namespace linegate::daemon {
namespace {

std::string called(const Parameter& parameter) {
  return "parameter \"" + printable(parameter.name) + '"';
}

// The text of a value that has the parameter's type; reports if it has not.
std::optional<std::string> typed_text(Diagnostics& out, const Parameter& parameter, std::string_view key,
                                      const Node& node) {
  static constexpr const char* kWanted[] = {"a string", "an int", "a number", "true or false"};
  auto text = node.is_string() ? std::optional(node.text) : scalar_text(node);
  bool is_string = parameter.type == Type::string;
  if (text && node.is_string() == is_string && matches(parameter.type, *text)) return text;
  std::string wanted = kWanted[static_cast<int>(parameter.type)];
  out.error(node.at, std::string(key) + " of " + called(parameter) + " must be " + wanted + ", its type");
  return std::nullopt;
}

bool is_numeric(const Parameter& parameter) {
  return parameter.type == Type::integer || parameter.type == Type::number;
}

void read_limit(Diagnostics& out, const Node& table, const char* key, Parameter& parameter,
                std::optional<std::string>& limit) {
  const Node* node = table.find(key);
  if (!node) return;
  if (!is_numeric(parameter))
    return out.error(node->at,
                     std::string(key) + " is for int and number; " + called(parameter) + " is neither");
  limit = typed_text(out, parameter, key, *node);
}

void read_choices(Diagnostics& out, const Node& table, Parameter& parameter) {
  const Node* node = table.find("enum");
  if (!node || !expect_array(out, "enum", *node)) return;
  if (node->elements.empty()) return out.error(node->at, "enum must have at least one value");
  for (const Node& element : node->elements) {
    if (auto text = typed_text(out, parameter, "enum", element))
      parameter.choices.push_back(*std::move(text));
  }
}

void read_default(Diagnostics& out, const Node& table, Parameter& parameter) {
  const Node* node = table.find("default");
  if (!node) return;
  auto text = typed_text(out, parameter, "default", *node);
  if (!text) return;
  if (auto error = check_value(parameter, *text)) out.error(node->at, "default: " + error->message);
  if (parameter.required) out.error(node->at, called(parameter) + " is required and cannot have a default");
  parameter.fallback = *std::move(text);
}

void check_limits(Diagnostics& out, const Node& table, const Parameter& parameter) {
  if (!parameter.min || !parameter.max) return;
  Parameter only_max = parameter;
  only_max.min.reset();
  only_max.choices.clear();
  if (check_value(only_max, *parameter.min))
    out.error(table.find("min")->at, "min of " + called(parameter) + " is more than its max");
}

const Keys<Parameter>& parameter_keys() {
  static const Keys<Parameter> keys{
      text_key("name", &Parameter::name),
      text_key("help", &Parameter::help),
      choice_key("type", &Parameter::type, {"string", "int", "number", "bool"}),
      flag_key("required", &Parameter::required),
      later<Parameter>("default"),
      later<Parameter>("enum"),
      later<Parameter>("min"),
      later<Parameter>("max"),
      count_key("max_length", &Parameter::max_length, 1, 1'000'000),
  };
  return keys;
}

void check_name(Diagnostics& out, const Node& table, const Parameter& parameter,
                const std::vector<Parameter>& others) {
  const Node* node = table.find("name");
  auto same = [&](const Parameter& other) { return other.name == parameter.name; };
  if (!node) {
    out.error(table.at, "a parameter needs a name");
  } else if (node->is_string() && !is_parameter_name(parameter.name)) {
    out.error(node->at, '"' + printable(parameter.name) +
                            "\" is no parameter name: a lower-case letter, then at most 63 of a-z 0-9 _");
  } else if (std::any_of(others.begin(), others.end(), same)) {
    out.error(node->at, called(parameter) + " stands here twice");
  }
}

Parameter read_parameter(Diagnostics& out, const Node& table, const std::vector<Parameter>& others) {
  Parameter parameter;
  read_table(out, "a parameter", table, parameter_keys(), parameter);
  if (!table.is_table()) return parameter;
  check_name(out, table, parameter, others);
  const Node* max_length = table.find("max_length");
  if (max_length && parameter.type != Type::string)
    out.error(max_length->at, "max_length is for strings only");
  read_limit(out, table, "min", parameter, parameter.min);
  read_limit(out, table, "max", parameter, parameter.max);
  check_limits(out, table, parameter);
  read_choices(out, table, parameter);
  read_default(out, table, parameter);
  return parameter;
}

}  // namespace

std::vector<Parameter> read_parameters(Diagnostics& out, const Node& array) {
  std::vector<Parameter> parameters;
  if (!expect_array(out, "params", array)) return parameters;
  for (const Node& element : array.elements) parameters.push_back(read_parameter(out, element, parameters));
  return parameters;
}

}  // namespace linegate::daemon
