// The lexical rules of the text dialect: which bytes a word, a name and an @id token can have. Internal to
// its parser.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace linegate::wire {

bool is_blank(char c);                           // separates words
std::size_t bare_length(std::string_view text);  // up to the first blank, or all of it
bool is_control(char c);                         // stands nowhere in a line: below 0x20, but tab

// 1 to 64 of `[A-Za-z0-9._:-]`.
bool is_token(std::string_view text);

// The length of the parameter-like name (`[a-z][a-z0-9_]{0,63}`) that ends at the first `=`; 0 if there is
// none.
std::size_t name_length(std::string_view word);

// How far the string token at the front of `text` reaches, both quotes included; nullopt without a closing
// quote.
std::optional<std::size_t> quoted_length(std::string_view text);

}  // namespace linegate::wire
