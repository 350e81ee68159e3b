#include "base/suggest.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace linegate {
namespace {

constexpr std::size_t kLongest = 64;

// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::array<std::size_t, kLongest + 1>, 3> rows{};
  auto row = [&](std::size_t i) -> auto& {
    return rows[i % 3];
  };
  for (std::size_t j = 0; j <= b.size(); ++j) row(0)[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row(i)[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      row(i)[j] = std::min({row(i - 1)[j] + 1, row(i)[j - 1] + 1, row(i - 1)[j - 1] + cost});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row(i)[j] = std::min(row(i)[j], row(i - 2)[j - 2] + 1);
    }
  }
  return row(a.size())[b.size()];
}

}  // namespace

std::vector<std::string> suggest(std::string_view word, std::span<const std::string> known) {
  if (word.empty() || word.size() > kLongest) return {};
  std::size_t tolerance = std::max<std::size_t>(1, word.size() / 3);
  std::vector<std::pair<std::size_t, const std::string*>> near;
  for (const std::string& name : known) {
    // Each byte more or less is an edit: most names need no table.
    std::size_t longer = std::max(name.size(), word.size()) - std::min(name.size(), word.size());
    if (name.size() > kLongest || longer > tolerance) continue;
    std::size_t edits = distance(word, name);
    if (edits <= tolerance) near.emplace_back(edits, &name);
  }
  std::stable_sort(near.begin(), near.end(), [](auto& a, auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (std::size_t i = 0; i < near.size() && i < 3; ++i) names.push_back(*near[i].second);
  return names;
}

}  // namespace linegate
