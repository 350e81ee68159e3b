// Reading a table by a list of keys: each key names its field, its type and its limits, and everything that
// is not in the list is an error with a suggestion. Knows no key of linegate.toml; start-up only, so it may
// be slow.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "daemon/diagnostic.h"

namespace linegate::daemon {

// A value of the file with its place. Members stand in file order; keys are unique.
struct Node {
  enum class Kind { string, integer, real, boolean, time, array, table };
  struct Member;

  Kind kind = Kind::table;
  Position at;
  std::string text;
  std::int64_t integer = 0;
  double real = 0;
  bool flag = false;
  std::vector<Node> elements;
  std::vector<Member> members;

  const Node* find(std::string_view key) const;
  bool is_string() const { return kind == Kind::string; }
  bool is_table() const { return kind == Kind::table; }
  bool is_array() const { return kind == Kind::array; }
};

struct Node::Member {
  std::string key;
  Position at;
  Node value;
};

// `"a", "b" or "c"`.
std::string one_of(const std::vector<std::string>& names);
// `; did you mean "x"?`, or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

// Each reads a value or reports `name must be ...` at its place; nullopt = reported.
std::optional<std::string> read_text(Diagnostics& out, std::string_view name, const Node& node);
std::optional<bool> read_flag(Diagnostics& out, std::string_view name, const Node& node);
std::optional<std::uint64_t> read_count(Diagnostics& out, std::string_view name, const Node& node,
                                        std::uint64_t min, std::uint64_t max);
std::optional<std::uint64_t> read_size(Diagnostics& out, std::string_view name, const Node& node,
                                       std::uint64_t min, std::uint64_t max);
std::optional<Duration> read_duration(Diagnostics& out, std::string_view name, const Node& node, Duration min,
                                      Duration max);
std::optional<double> read_real(Diagnostics& out, std::string_view name, const Node& node, double min,
                                double max);
std::optional<std::vector<std::string>> read_texts(Diagnostics& out, std::string_view name, const Node& node);
// Whether it is a table, or an array; reports if not.
bool expect_table(Diagnostics& out, std::string_view name, const Node& node);
bool expect_array(Diagnostics& out, std::string_view name, const Node& node);
// The index of the text in `names`.
std::optional<std::size_t> read_choice(Diagnostics& out, std::string_view name, const Node& node,
                                       const std::vector<std::string>& names);

// One key of a table that is read into a T.
template <typename T>
struct Key {
  std::string name;
  std::function<void(Diagnostics&, const Node&, T&)> read;
};
template <typename T>
using Keys = std::vector<Key<T>>;

void report_unknown_key(Diagnostics& out, const Node::Member& member, const std::vector<std::string>& known);

// Reads every member of `table` into `target` by `keys`; `where` is what messages call the table: "[server]".
template <typename T>
void read_table(Diagnostics& out, std::string_view where, const Node& table, const Keys<T>& keys, T& target) {
  if (!expect_table(out, where, table)) return;
  for (const Node::Member& member : table.members) {
    const Key<T>* found = nullptr;
    for (const Key<T>& key : keys) {
      if (key.name == member.key) found = &key;
    }
    if (found) {
      found->read(out, member.value, target);
      continue;
    }
    std::vector<std::string> known;
    for (const Key<T>& key : keys) known.push_back(key.name);
    report_unknown_key(out, member, known);
  }
}

// ---- keys by type; limits are inclusive

template <typename T, typename Field, typename Read>
Key<T> value_key(std::string name, Field T::*field, Read read) {
  return {name, [name, field, read](Diagnostics& out, const Node& node, T& target) {
            if (auto value = read(out, name, node)) target.*field = static_cast<Field>(*std::move(value));
          }};
}

template <typename T>
Key<T> text_key(std::string name, std::string T::*field) {
  return value_key(std::move(name), field, read_text);
}

template <typename T>
Key<T> flag_key(std::string name, bool T::*field) {
  return value_key(std::move(name), field, read_flag);
}

template <typename T>
Key<T> texts_key(std::string name, std::vector<std::string> T::*field) {
  return value_key(std::move(name), field, read_texts);
}

template <typename T>
Key<T> count_key(std::string name, std::uint64_t T::*field, std::uint64_t min, std::uint64_t max) {
  return value_key(std::move(name), field,
                   [min, max](Diagnostics& out, std::string_view key, const Node& node) {
                     return read_count(out, key, node, min, max);
                   });
}

template <typename T>
Key<T> size_key(std::string name, std::uint64_t T::*field, std::uint64_t min, std::uint64_t max) {
  return value_key(std::move(name), field,
                   [min, max](Diagnostics& out, std::string_view key, const Node& node) {
                     return read_size(out, key, node, min, max);
                   });
}

template <typename T>
Key<T> duration_key(std::string name, Duration T::*field, Duration min, Duration max) {
  return value_key(std::move(name), field,
                   [min, max](Diagnostics& out, std::string_view key, const Node& node) {
                     return read_duration(out, key, node, min, max);
                   });
}

template <typename T>
Key<T> real_key(std::string name, double T::*field, double min, double max) {
  return value_key(std::move(name), field,
                   [min, max](Diagnostics& out, std::string_view key, const Node& node) {
                     return read_real(out, key, node, min, max);
                   });
}

// `names` in the order of the enum's values, which begin at 0.
template <typename T, typename Enum>
Key<T> choice_key(std::string name, Enum T::*field, std::vector<std::string> names) {
  return value_key(std::move(name), field, [names](Diagnostics& out, std::string_view key, const Node& node) {
    return read_choice(out, key, node, names);
  });
}

// A table within the table.
template <typename T, typename Inner>
Key<T> table_key(std::string name, Inner T::*field, Keys<Inner> keys) {
  return {name, [name, field, keys](Diagnostics& out, const Node& node, T& target) {
            read_table(out, name, node, keys, target.*field);
          }};
}

// The same, where leaving the table out means "none".
template <typename T, typename Inner>
Key<T> optional_table_key(std::string name, std::optional<Inner> T::*field, Keys<Inner> keys) {
  return {name, [name, field, keys](Diagnostics& out, const Node& node, T& target) {
            read_table(out, name, node, keys, (target.*field).emplace());
          }};
}

// A key that is read by another pass.
template <typename T>
Key<T> later(std::string name) {
  return {std::move(name), [](Diagnostics&, const Node&, T&) {}};
}

}  // namespace linegate::daemon
