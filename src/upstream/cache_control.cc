#include "upstream/cache_control.h"

#include <algorithm>
#include <utility>

#include "http/date.h"
#include "json/scan.h"

namespace linegate {
namespace {

struct Directive {
  std::string_view name;
  std::string_view value;  // without its quotes
};

// The end of a quoted string that begins in front of `text`; npos if it has none.
std::size_t closing_quote(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return i;
    if (text[i] == '\\') ++i;
  }
  return text.npos;
}

std::string_view take_until(std::string_view& rest, std::size_t end) {
  std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(taken.size());
  return json::trim(taken);
}

std::string_view take_value(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  std::size_t end = rest.starts_with('"') ? closing_quote(rest.substr(1)) : rest.npos;
  // A quote that is never closed begins no string: it must not hide the directives behind it.
  if (end == rest.npos) return take_until(rest, rest.find(','));
  std::string_view value = rest.substr(1, end);
  rest.remove_prefix(end + 2);
  return value;
}

// The next one of a list, and what separates it from the one behind it.
Directive take_directive(std::string_view& rest) {
  Directive directive;
  directive.name = take_until(rest, rest.find_first_of("=,"));
  if (rest.starts_with('=')) {
    rest.remove_prefix(1);
    directive.value = take_value(rest);
  }
  take_until(rest, rest.find(','));
  if (!rest.empty()) rest.remove_prefix(1);
  return directive;
}

void restrict_to(std::optional<Duration>& limit, std::string_view value) {
  Duration given = parse_delta_seconds(value).value_or(Duration::zero());
  limit = std::min(limit.value_or(given), given);
}

void apply_flag(CacheControl& control, std::string_view name) {
  if (same_name(name, "no-store")) control.no_store = true;
  if (same_name(name, "no-cache")) control.no_cache = true;
  if (same_name(name, "private")) control.is_private = true;
  if (same_name(name, "must-revalidate") || same_name(name, "proxy-revalidate")) control.never_stale = true;
}

void apply(CacheControl& control, const Directive& directive) {
  const auto& [name, value] = directive;
  apply_flag(control, name);
  if (same_name(name, "max-age")) restrict_to(control.max_age, value);
  if (same_name(name, "s-maxage")) restrict_to(control.s_maxage, value);
  if (same_name(name, "stale-while-revalidate")) restrict_to(control.stale_while_revalidate, value);
  if (same_name(name, "stale-if-error")) restrict_to(control.stale_if_error, value);
}

}  // namespace

CacheControl parse_cache_control(const Headers& headers) {
  CacheControl control;
  headers.for_each_of("Cache-Control", [&](std::string_view list) {
    control.present = true;
    while (!list.empty()) apply(control, take_directive(list));
  });
  return control;
}

}  // namespace linegate
