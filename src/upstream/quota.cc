#include "upstream/quota.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "http/date.h"

namespace linegate {
namespace {

using Text = std::string_view;

constexpr std::uint64_t kMany = 1'000'000'000'000'000;        // what is larger counts as this
constexpr std::uint64_t kFarthest = 366ULL * 24 * 3600;       // seconds; no quota's window is so long
constexpr std::uint64_t kUnixTime = 1'000'000'000;            // from here on it is no number of seconds
constexpr std::uint64_t kUnixMilliseconds = 100'000'000'000;  // from here on it is no number of those

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

Text trim(Text text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// ---- Numbers

struct Number {
  std::uint64_t whole = 0;
  bool fraction = false;
};

// Digits, perhaps with a fraction; nothing else but white space around them.
std::optional<Number> number(Text text) {
  text = trim(text);
  Number result;
  std::size_t at = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (result.whole < kMany) result.whole = result.whole * 10 + static_cast<std::uint64_t>(text[at] - '0');
  }
  if (at == 0) return std::nullopt;
  if (result.whole > kMany) result.whole = kMany;
  if (at == text.size()) return result;
  result.fraction = text[at] == '.' && text.find_first_not_of("0123456789", at + 1) == text.npos;
  if (!result.fraction) return std::nullopt;
  return result;
}

std::optional<std::uint64_t> count(std::optional<Text> text) {
  auto found = text ? number(*text) : std::nullopt;
  if (!found) return std::nullopt;
  return found->whole;
}

std::optional<Duration> seconds(std::uint64_t count) {
  if (count > kFarthest) return std::nullopt;
  return std::chrono::seconds(count);
}

// From `wall` to `then`, both in Unix milliseconds; what is past is zero.
std::optional<Duration> until(std::uint64_t then, std::int64_t wall) {
  const auto now = static_cast<std::uint64_t>(wall > 0 ? wall : 0) * 1000;
  if (then <= now) return Duration{};
  if (then - now > kFarthest * 1000) return std::nullopt;
  return std::chrono::milliseconds(then - now);
}

std::optional<Duration> until_date(Text text, std::int64_t wall) {
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  return until(static_cast<std::uint64_t>(std::max<std::int64_t>(*date, 0)) * 1000, wall);
}

std::optional<Duration> reset(std::optional<Text> text, std::int64_t wall) {
  if (!text) return std::nullopt;
  const auto found = number(*text);
  if (!found) return until_date(*text, wall);
  const std::uint64_t value = found->whole + (found->fraction ? 1 : 0);  // rather late than early
  if (value < kUnixTime) return seconds(value);
  return until(value < kUnixMilliseconds ? value * 1000 : value, wall);
}

std::optional<Quota> quota(std::optional<Text> limit, std::optional<Text> remaining, std::optional<Text> end,
                           std::int64_t wall) {
  const auto left = count(remaining);
  const auto time = reset(end, wall);
  if (!left || !time) return std::nullopt;
  return Quota{count(limit), *left, *time};
}

// ---- Structured fields (RFC 8941), as much of them as is needed here

// Cuts off what stands before the next `mark` that is not within a string.
Text next_part(Text& rest, char mark) {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest.size() && (quoted || rest[at] != mark); ++at) {
    if (rest[at] == '"') quoted = !quoted;
    if (quoted && rest[at] == '\\') ++at;
  }
  const Text part = rest.substr(0, at);
  rest.remove_prefix(at < rest.size() ? at + 1 : rest.size());
  return trim(part);
}

Text first_part(Text text, char mark) {
  return next_part(text, mark);
}

// The value of `name=value` among the parts that `mark` separates.
std::optional<Text> member(Text rest, char mark, Text name) {
  while (!rest.empty()) {
    Text part = next_part(rest, mark);
    const Text key = next_part(part, '=');
    if (same_name(key, name)) return first_part(part, ';');
  }
  return std::nullopt;
}

// All fields of that name as the one list that they are (RFC 9110 section 5.3).
std::string joined(const Headers& headers, Text name) {
  std::string list;
  for (Text value : headers.get_all(name)) (list.empty() ? list : list.append(", ")).append(value);
  return list;
}

// ---- The forms of it

// Policy `one` lets less through per second; of two that let nothing through, the one that does for longer.
bool tighter(const Quota& one, const Quota& other) {
  const double mine = static_cast<double>(one.remaining) * static_cast<double>(other.reset.count());
  const double its = static_cast<double>(other.remaining) * static_cast<double>(one.reset.count());
  return mine < its || (mine == its && one.reset > other.reset);
}

// RateLimit-Policy: "name";q=100;w=60 tells the limit of the policy that RateLimit names.
std::optional<Text> policy_limit(Text policies, Text name) {
  while (!policies.empty()) {
    Text parameters = next_part(policies, ',');
    if (next_part(parameters, ';') == name) return member(parameters, ';', "q");
  }
  return std::nullopt;
}

// RateLimit: "default";r=50;t=30, "daily";r=900;t=40000
std::optional<Quota> from_policies(Text list, Text policies, std::int64_t wall) {
  std::optional<Quota> tightest;
  while (!list.empty()) {
    Text parameters = next_part(list, ',');
    const Text name = next_part(parameters, ';');
    const auto left = member(parameters, ';', "r");
    const auto found = quota(policy_limit(policies, name), left, member(parameters, ';', "t"), wall);
    if (found && (!tightest || tighter(*found, *tightest))) tightest = found;
  }
  return tightest;
}

// RateLimit: limit=100, remaining=50, reset=30
std::optional<Quota> from_dictionary(Text field, std::int64_t wall) {
  return quota(member(field, ',', "limit"), member(field, ',', "remaining"), member(field, ',', "reset"),
               wall);
}

// X-RateLimit-Limit: 100, 100;w=60 and the like: the first number is the one that counts.
std::optional<Text> field(const Headers& headers, const std::string& name) {
  const auto value = headers.get(name);
  if (!value) return std::nullopt;
  return first_part(first_part(*value, ','), ';');
}

std::optional<Quota> from_fields(const Headers& headers, const std::string& prefix, std::int64_t wall) {
  const auto end = headers.get(prefix + "Reset");  // whole: there is a comma in a date
  return quota(field(headers, prefix + "Limit"), field(headers, prefix + "Remaining"), end, wall);
}

}  // namespace

std::optional<Quota> read_quota(const Headers& headers, std::int64_t wall) {
  const std::string list = joined(headers, "RateLimit");
  auto found = from_policies(list, joined(headers, "RateLimit-Policy"), wall);
  if (!found) found = from_dictionary(list, wall);
  if (!found) found = from_fields(headers, "RateLimit-", wall);
  if (!found) found = from_fields(headers, "X-RateLimit-", wall);
  return found;
}

}  // namespace linegate
