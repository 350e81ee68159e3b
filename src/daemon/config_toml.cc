// See config_toml.h. toml++ is used header-only: its shared library would be one more package at run time.
#include "daemon/config_toml.h"

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "daemon/config_stray.h"
#include "json/utf8.h"

// Its assertions do not hold for every text: "[," aborts, or with NDEBUG, where they become the optimiser's
// assumptions, does anything. Without them each parser function reports what it cannot read.
#undef NDEBUG
#define TOML_ASSERT(expr) static_assert(true)
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace linegate::daemon {
namespace {

constexpr int kMaxDepth = 64;  // dotted keys nest without a limit of the library's own

Position position(const toml::source_region& region) {
  return {static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

// Columns count characters, as the library's do.
Position position(std::string_view text, std::size_t offset) {
  std::string_view before = text.substr(0, offset);
  std::string_view line = before.substr(before.rfind('\n') + 1);
  auto lines = std::count(before.begin(), before.end(), '\n');
  return {static_cast<int>(lines) + 1, static_cast<int>(json::count_code_points(line)) + 1};
}

class Conversion {
 public:
  explicit Conversion(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  Node convert(const toml::node& from, int depth) {
    Node node;
    node.at = position(from.source());
    if (depth > kMaxDepth) {
      diagnostics_.error(node.at, "nested too deep");
    } else if (auto* table = from.as_table()) {
      node.kind = Node::Kind::table;
      for (const auto& [key, value] : *table) add_member(node, key, value, depth);
      sort_by_place(node);
    } else if (auto* array = from.as_array()) {
      node.kind = Node::Kind::array;
      for (const toml::node& element : *array) node.elements.push_back(convert(element, depth + 1));
    } else {
      convert_scalar(from, node);
    }
    return node;
  }

 private:
  void add_member(Node& node, const toml::key& key, const toml::node& value, int depth) {
    node.members.push_back({std::string(key.str()), position(key.source()), convert(value, depth + 1)});
  }

  // The library keeps members by name; people mean the order in which they wrote them.
  static void sort_by_place(Node& node) {
    auto before = [](const Node::Member& a, const Node::Member& b) {
      return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
    };
    std::stable_sort(node.members.begin(), node.members.end(), before);
  }

  static void convert_scalar(const toml::node& from, Node& node) {
    if (auto* text = from.as_string()) {
      node.kind = Node::Kind::string;
      node.text = text->get();
    } else if (auto* integer = from.as_integer()) {
      node.kind = Node::Kind::integer;
      node.integer = integer->get();
    } else if (auto* real = from.as_floating_point()) {
      node.kind = Node::Kind::real;
      node.real = real->get();
    } else if (auto* flag = from.as_boolean()) {
      node.kind = Node::Kind::boolean;
      node.flag = flag->get();
    } else {
      node.kind = Node::Kind::time;
    }
  }

  Diagnostics& diagnostics_;
};

}  // namespace

std::optional<Node> parse_toml(std::string_view text, Diagnostics& diagnostics) {
  if (std::size_t bad = json::find_invalid_utf8(text); bad < text.size()) {
    return diagnostics.error(position(text, bad), "not UTF-8"), std::nullopt;
  }
  if (auto stray = find_stray(text)) {
    return diagnostics.error(position(text, *stray), "a character outside ASCII cannot stand here unquoted"),
           std::nullopt;
  }
  try {
    toml::table table = toml::parse(text);
    Node root = Conversion(diagnostics).convert(table, 0);
    if (diagnostics.failed()) return std::nullopt;
    return root;
  } catch (const toml::parse_error& fault) {
    diagnostics.error(position(fault.source()), "not TOML: " + printable(fault.description(), 200));
    return std::nullopt;
  }
}

}  // namespace linegate::daemon
