// "Did you mean ...": the known names nearest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace linegate {

// At most three of `known` within a third of the word's length in edits (Damerau-Levenshtein, at least one),
// nearest first. Words over 64 bytes get no suggestion: the cost is quadratic.
std::vector<std::string> suggest(std::string_view word, std::span<const std::string> known);

}  // namespace linegate
