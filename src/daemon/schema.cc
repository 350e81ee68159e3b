// See schema.h.
#include "daemon/schema.h"

#include <algorithm>
#include <cmath>

#include "base/printable.h"
#include "base/suggest.h"
#include "base/units.h"

namespace linegate::daemon {
namespace {

std::string size_text(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {" B", " KiB", " MiB", " GiB"};
  int unit = 0;
  for (; unit < 3 && bytes >= 1024 && bytes % 1024 == 0; ++unit) bytes /= 1024;
  return std::to_string(bytes) + kUnits[unit];
}

std::string real_text(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

void must_be(Diagnostics& out, std::string_view name, const Node& node, const std::string& what) {
  out.error(node.at, std::string(name) + " must be " + what);
}

void must_be_between(Diagnostics& out, std::string_view name, const Node& node, const std::string& min,
                     const std::string& max) {
  must_be(out, name, node, "between " + min + " and " + max);
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::string one_of(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += '"' + names[i] + '"';
  }
  return out;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  std::vector<std::string> near = suggest(word, known);
  return near.empty() ? "" : "; did you mean " + one_of(near) + "?";
}

void report_unknown_key(Diagnostics& out, const Node::Member& member, const std::vector<std::string>& known) {
  out.error(member.at, "unknown key \"" + printable(member.key) + '"' + did_you_mean(member.key, known));
}

std::optional<std::string> read_text(Diagnostics& out, std::string_view name, const Node& node) {
  if (node.is_string()) return node.text;
  must_be(out, name, node, "a string");
  return std::nullopt;
}

std::optional<bool> read_flag(Diagnostics& out, std::string_view name, const Node& node) {
  if (node.kind == Node::Kind::boolean) return node.flag;
  must_be(out, name, node, "true or false");
  return std::nullopt;
}

std::optional<std::uint64_t> read_count(Diagnostics& out, std::string_view name, const Node& node,
                                        std::uint64_t min, std::uint64_t max) {
  if (node.kind != Node::Kind::integer) {
    must_be(out, name, node, "a whole number");
    return std::nullopt;
  }
  auto value = static_cast<std::uint64_t>(node.integer);
  if (node.integer >= 0 && value >= min && value <= max) return value;
  must_be_between(out, name, node, std::to_string(min), std::to_string(max));
  return std::nullopt;
}

std::optional<std::uint64_t> read_size(Diagnostics& out, std::string_view name, const Node& node,
                                       std::uint64_t min, std::uint64_t max) {
  std::optional<std::uint64_t> value;
  if (node.is_string()) value = parse_size(node.text);
  if (!value) {
    must_be(out, name, node, "a size with a unit, such as \"64KiB\"");
  } else if (*value < min || *value > max) {
    must_be_between(out, name, node, size_text(min), size_text(max));
    value.reset();
  }
  return value;
}

std::optional<Duration> read_duration(Diagnostics& out, std::string_view name, const Node& node, Duration min,
                                      Duration max) {
  std::optional<Duration> value;
  if (node.is_string()) value = parse_duration(node.text);
  if (!value) {
    must_be(out, name, node, "a duration with a unit, such as \"250ms\"");
  } else if (*value < min || *value > max) {
    must_be_between(out, name, node, to_text(min), to_text(max));
    value.reset();
  }
  return value;
}

std::optional<double> read_real(Diagnostics& out, std::string_view name, const Node& node, double min,
                                double max) {
  bool integer = node.kind == Node::Kind::integer;
  if (!integer && node.kind != Node::Kind::real) {
    must_be(out, name, node, "a number");
    return std::nullopt;
  }
  double value = integer ? static_cast<double>(node.integer) : node.real;
  if (value >= min && value <= max) return value;
  must_be_between(out, name, node, real_text(min), real_text(max));
  return std::nullopt;
}

std::optional<std::vector<std::string>> read_texts(Diagnostics& out, std::string_view name,
                                                   const Node& node) {
  bool all_strings = node.is_array() && std::all_of(node.elements.begin(), node.elements.end(),
                                                    [](const Node& element) { return element.is_string(); });
  if (!all_strings) {
    must_be(out, name, node, "an array of strings");
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const Node& element : node.elements) texts.push_back(element.text);
  return texts;
}

bool expect_table(Diagnostics& out, std::string_view name, const Node& node) {
  if (!node.is_table()) must_be(out, name, node, "a table");
  return node.is_table();
}

bool expect_array(Diagnostics& out, std::string_view name, const Node& node) {
  if (!node.is_array()) must_be(out, name, node, "an array");
  return node.is_array();
}

std::optional<std::size_t> read_choice(Diagnostics& out, std::string_view name, const Node& node,
                                       const std::vector<std::string>& names) {
  auto found = node.is_string() ? std::find(names.begin(), names.end(), node.text) : names.end();
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  must_be(out, name, node, one_of(names) + (node.is_string() ? did_you_mean(node.text, names) : ""));
  return std::nullopt;
}

}  // namespace linegate::daemon
