#include "base/units.h"

#include <charconv>
#include <cmath>

namespace linegate {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Cuts the leading number off `text`; nullopt unless it has digits, and then at most one point between
// digits.
std::optional<std::string_view> take_number(std::string_view& text, bool fraction) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  if (n == 0) return std::nullopt;
  if (fraction && n + 1 < text.size() && text[n] == '.' && is_digit(text[n + 1])) {
    ++n;
    while (n < text.size() && is_digit(text[n])) ++n;
  }
  std::string_view number = text.substr(0, n);
  text.remove_prefix(n);
  return number;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  auto number = take_number(text, true);
  if (!number) return std::nullopt;
  double value = 0;
  auto end = number->data() + number->size();
  if (std::from_chars(number->data(), end, value).ec != std::errc()) return std::nullopt;
  double seconds = text == "us"   ? 1e-6
                   : text == "ms" ? 1e-3
                   : text == "s"  ? 1.0
                   : text == "m"  ? 60.0
                   : text == "h"  ? 3600.0
                                  : -1.0;
  if (seconds < 0 || value * seconds > 366.0 * 24 * 3600) return std::nullopt;
  return Duration(std::llround(value * seconds * 1e9));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  auto number = take_number(text, false);
  if (!number) return std::nullopt;
  std::uint64_t value = 0;
  auto end = number->data() + number->size();
  if (std::from_chars(number->data(), end, value).ec != std::errc()) return std::nullopt;
  std::uint64_t unit = text == "B"     ? 1
                       : text == "KB"  ? 1'000
                       : text == "MB"  ? 1'000'000
                       : text == "GB"  ? 1'000'000'000
                       : text == "KiB" ? std::uint64_t{1} << 10
                       : text == "MiB" ? std::uint64_t{1} << 20
                       : text == "GiB" ? std::uint64_t{1} << 30
                                       : 0;
  if (unit == 0 || value > (std::uint64_t{1} << 53) / unit) return std::nullopt;
  return value * unit;
}

std::string to_text(Duration duration) {
  auto us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  if (us % 1000 != 0) return std::to_string(us) + " us";
  if (us % 1'000'000 != 0 || us == 0) return std::to_string(us / 1000) + " ms";
  return std::to_string(us / 1'000'000) + " s";
}

}  // namespace linegate
