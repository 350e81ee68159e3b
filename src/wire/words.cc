#include "wire/words.h"

#include <algorithm>

namespace linegate::wire {
namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxToken = 64;

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_token_byte(char c) {
  return is_lower(c) || is_upper(c) || is_digit(c) || c == '.' || c == '_' || c == ':' || c == '-';
}

}  // namespace

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::size_t bare_length(std::string_view text) {
  return static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_blank) - text.begin());
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 && c != '\t';
}

bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= kMaxToken && std::all_of(text.begin(), text.end(), is_token_byte);
}

std::size_t name_length(std::string_view word) {
  if (word.empty() || !is_lower(word[0])) return 0;
  std::size_t n = 1;
  while (n < word.size() && (is_lower(word[n]) || is_digit(word[n]) || word[n] == '_')) ++n;
  return n <= kMaxName && n < word.size() && word[n] == '=' ? n : 0;
}

std::optional<std::size_t> quoted_length(std::string_view text) {
  std::size_t i = 1;
  while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
  return i < text.size() ? std::optional(i + 1) : std::nullopt;
}

}  // namespace linegate::wire
