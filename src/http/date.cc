#include "http/date.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "http/headers.h"

namespace linegate {
namespace {

constexpr std::int64_t kMaxRetryAfter = 366LL * 24 * 3600;
constexpr std::int64_t kMaxDelta = std::int64_t{1} << 31;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// IMF-fixdate, RFC 850, asctime(). The codes are those of strptime(), which would ask the locale for names.
constexpr std::array<std::string_view, 3> kForms = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                                    "%a %b %e %H:%M:%S %Y"};

struct Parts {
  int year = 0;
  int month = 0;  // 0 is January
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

bool take_number(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits || !all_digits(text.substr(0, digits))) return false;
  std::from_chars(text.data(), text.data() + digits, value);
  text.remove_prefix(digits);
  return true;
}

// RFC 9111 section 4.2 asks caches to take these names in any case.
template <std::size_t kCount>
bool take_name(std::string_view& text, const std::array<std::string_view, kCount>& names, int& index) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (!same_name(text.substr(0, names[i].size()), names[i])) continue;
    index = static_cast<int>(i);
    text.remove_prefix(names[i].size());
    return true;
  }
  return false;
}

bool take_short_year(std::string_view& text, int& year) {
  if (!take_number(text, 2, year)) return false;
  year += year < 70 ? 2000 : 1900;
  return true;
}

bool take_padded_day(std::string_view& text, int& day) {
  if (!text.starts_with(' ')) return take_number(text, 2, day);
  text.remove_prefix(1);
  return take_number(text, 1, day);
}

bool take_part(std::string_view& text, char code, Parts& parts) {
  int weekday = 0;  // need not fit the date
  switch (code) {
    case 'a':
      return take_name(text, kDays, weekday);
    case 'A':
      return take_name(text, kLongDays, weekday);
    case 'b':
      return take_name(text, kMonths, parts.month);
    case 'd':
      return take_number(text, 2, parts.day);
    case 'e':
      return take_padded_day(text, parts.day);
    case 'Y':
      return take_number(text, 4, parts.year);
    case 'y':
      return take_short_year(text, parts.year);
    case 'H':
      return take_number(text, 2, parts.hour);
    case 'M':
      return take_number(text, 2, parts.minute);
    case 'S':
      return take_number(text, 2, parts.second);
    default:
      return false;
  }
}

bool take_literal(std::string_view& text, std::string_view c) {
  if (!same_name(text.substr(0, 1), c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Parts> match(std::string_view text, std::string_view form) {
  Parts parts;
  for (std::size_t i = 0; i < form.size(); ++i) {
    bool taken = form[i] == '%' ? take_part(text, form[++i], parts) : take_literal(text, form.substr(i, 1));
    if (!taken) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  return parts;
}

std::optional<std::int64_t> unix_seconds(const Parts& parts) {
  namespace chrono = std::chrono;
  chrono::year_month_day date{chrono::year(parts.year), chrono::month(static_cast<unsigned>(parts.month) + 1),
                              chrono::day(static_cast<unsigned>(parts.day))};
  bool leap_second = parts.second == 60;  // RFC 9110 allows it; it counts as the next minute's first
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || (parts.second > 59 && !leap_second)) {
    return std::nullopt;
  }
  std::int64_t days = chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + parts.hour) * 60 + parts.minute) * 60 + parts.second;
}

// Digits only. What is larger than `most` is `most`.
std::optional<std::int64_t> parse_seconds(std::string_view field, std::int64_t most) {
  if (!all_digits(field)) return std::nullopt;
  std::int64_t seconds = 0;
  auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), seconds);
  return error == std::errc() ? std::min(seconds, most) : most;
}

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view field) {
  for (std::string_view form : kForms) {
    if (auto parts = match(field, form)) return unix_seconds(*parts);
  }
  return std::nullopt;
}

std::optional<Duration> parse_retry_after(std::string_view field, std::int64_t wall) {
  if (field.starts_with('-') && all_digits(field.substr(1))) return Duration::zero();
  auto wait = parse_seconds(field, kMaxRetryAfter);
  if (auto date = parse_http_date(field)) wait = std::clamp<std::int64_t>(*date - wall, 0, kMaxRetryAfter);
  if (!wait) return std::nullopt;
  return std::chrono::seconds(*wait);
}

std::optional<Duration> parse_delta_seconds(std::string_view field) {
  auto seconds = parse_seconds(field, kMaxDelta);
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

}  // namespace linegate
