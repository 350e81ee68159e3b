// See parameter.h.
#include "daemon/parameter.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/printable.h"
#include "base/suggest.h"
#include "daemon/schema.h"
#include "json/quote.h"
#include "json/scan.h"
#include "json/utf8.h"

namespace linegate::daemon {
namespace {

using wire::Dialect;
using wire::Error;
using wire::Symbol;

constexpr std::size_t kReflected = 64;  // bytes of a client's input that an error may repeat

std::string quote(std::string_view name) {
  return '"' + std::string(cut_utf8(name, kReflected)) + '"';
}

Error invalid(const std::string& parameter, const std::string& sentence) {
  Error error{Symbol::invalid_params, sentence, ""};
  error.text("param", cut_utf8(parameter, kReflected));
  return error;
}

Error must(const Parameter& parameter, const std::string& what) {
  return invalid(parameter.name, "parameter " + quote(parameter.name) + ' ' + what);
}

void add_suggestions(Error& error, const std::vector<std::string>& near) {
  if (near.empty()) return;
  json::Array list;
  for (const std::string& name : near) list.text(name);
  error.raw("did_you_mean", list.take());
}

std::size_t digits_end(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at;
}

// RFC 8259 section 6; the end of `int`, or npos.
std::size_t integer_end(std::string_view text) {
  std::size_t begin = text.starts_with('-') ? 1 : 0;
  std::size_t end = digits_end(text, begin);
  bool leading_zero = end > begin + 1 && text[begin] == '0';
  return end == begin || leading_zero ? std::string_view::npos : end;
}

bool is_number(std::string_view text) {
  std::size_t at = integer_end(text);
  if (at == std::string_view::npos) return false;
  if (at < text.size() && text[at] == '.') {
    std::size_t end = digits_end(text, at + 1);
    if (end == at + 1) return false;
    at = end;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    std::size_t end = digits_end(text, at);
    if (end == at) return false;
    at = end;
  }
  return at == text.size();
}

std::optional<std::int64_t> to_int(std::string_view text) {
  std::int64_t value = 0;
  auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// As doubles unless both are whole: limits are people's numbers, not 20 digits long.
bool less(std::string_view a, std::string_view b) {
  auto left = to_int(a);
  auto right = to_int(b);
  if (left && right) return *left < *right;
  return std::strtod(std::string(a).c_str(), nullptr) < std::strtod(std::string(b).c_str(), nullptr);
}

bool same(Type type, std::string_view a, std::string_view b) {
  if (a == b) return true;
  return (type == Type::integer || type == Type::number) && !less(a, b) && !less(b, a);
}

std::optional<Error> wrong_type(const Parameter& parameter) {
  switch (parameter.type) {
    case Type::string:
      return must(parameter, "must be a string");
    case Type::integer:
      return must(parameter, "must be an int (64 bits)");
    case Type::number:
      return must(parameter, "must be a number");
    case Type::boolean:
      return must(parameter, "must be true or false");
  }
  return std::nullopt;
}

std::optional<Error> check_choice(const Parameter& parameter, std::string_view text) {
  auto is_it = [&](const std::string& choice) { return same(parameter.type, choice, text); };
  const auto& choices = parameter.choices;
  if (choices.empty() || std::any_of(choices.begin(), choices.end(), is_it)) return std::nullopt;
  Error error = must(parameter, "must be " + one_of(choices));
  add_suggestions(error, suggest(text, choices));
  return error;
}

std::optional<Error> check_length(const Parameter& parameter, std::string_view text) {
  // Bytes bound code points from above, so that most texts need no count.
  if (text.size() <= parameter.max_length || json::count_code_points(text) <= parameter.max_length)
    return std::nullopt;
  return must(parameter, "is longer than " + std::to_string(parameter.max_length) + " characters");
}

// The binding of one call, argument by argument.
class Binding {
 public:
  Binding(std::string_view route, const std::vector<Parameter>& parameters, Dialect dialect,
          std::vector<Value>& values)
      : route_(route), parameters_(parameters), dialect_(dialect), values_(values) {}

  std::optional<Error> bind(const wire::Argument& argument) {
    std::size_t which = argument.name.empty() ? next_++ : place(argument.name);
    if (which >= parameters_.size()) return argument.name.empty() ? too_many() : unknown(argument.name);
    if (dialect_ == Dialect::jsonrpc && argument.value == "null") return std::nullopt;
    const Parameter& parameter = parameters_[which];
    Value& value = values_[which];
    if (value.given) return must(parameter, "is given twice");
    value.given = true;
    if (auto error = read_argument(parameter, argument.value, dialect_, value.text)) return error;
    return check_value(parameter, value.text);
  }

  std::optional<Error> fill_in() {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (values_[i].given) continue;
      if (parameters_[i].required) return missing(parameters_[i]);
      if (!parameters_[i].fallback) continue;
      values_[i] = {*parameters_[i].fallback, true};
    }
    return std::nullopt;
  }

 private:
  std::size_t place(std::string_view name) const {
    std::size_t i = 0;
    while (i < parameters_.size() && parameters_[i].name != name) ++i;
    return i;
  }

  Error missing(const Parameter& parameter) const {
    return invalid(parameter.name,
                   "missing parameter " + quote(parameter.name) + "; usage: " + usage(route_, parameters_));
  }

  Error too_many() const {
    return {Symbol::invalid_params, "too many arguments; usage: " + usage(route_, parameters_), ""};
  }

  Error unknown(const std::string& name) const {
    std::vector<std::string> known;
    for (const Parameter& parameter : parameters_) known.push_back(parameter.name);
    std::string route(route_);
    Error error = invalid(name, route + " has no parameter " + quote(name) + did_you_mean(name, known));
    add_suggestions(error, suggest(name, known));
    return error;
  }

  std::string_view route_;
  const std::vector<Parameter>& parameters_;
  Dialect dialect_;
  std::vector<Value>& values_;
  std::size_t next_ = 0;
};

}  // namespace

std::string_view name(Type type) {
  static constexpr std::string_view kNames[] = {"string", "int", "number", "bool"};
  return kNames[static_cast<int>(type)];
}

bool matches(Type type, std::string_view text) {
  switch (type) {
    case Type::string:
      return true;
    case Type::integer:
      return integer_end(text) == text.size() && to_int(text);
    case Type::number:
      return is_number(text);
    case Type::boolean:
      return text == "true" || text == "false";
  }
  return false;
}

std::optional<Error> read_argument(const Parameter& parameter, std::string_view argument, Dialect dialect,
                                   std::string& text) {
  bool raw_string = dialect == Dialect::jsonrpc && json::kind(argument) == json::Kind::string;
  if (dialect == Dialect::jsonrpc && raw_string != (parameter.type == Type::string))
    return wrong_type(parameter);
  if (raw_string) {
    auto decoded = json::unescape(argument);
    if (!decoded) return must(parameter, "has half a surrogate pair");
    text = *std::move(decoded);
    return std::nullopt;
  }
  if (!matches(parameter.type, argument)) return wrong_type(parameter);
  text = argument;
  return std::nullopt;
}

std::optional<Error> check_value(const Parameter& parameter, std::string_view text) {
  if (auto error = check_choice(parameter, text)) return error;
  if (parameter.type == Type::string) return check_length(parameter, text);
  if (parameter.min && less(text, *parameter.min))
    return must(parameter, "must be at least " + *parameter.min);
  if (parameter.max && less(*parameter.max, text))
    return must(parameter, "must be at most " + *parameter.max);
  return std::nullopt;
}

std::string usage(std::string_view route, const std::vector<Parameter>& parameters) {
  std::string out(route);
  for (const Parameter& parameter : parameters) {
    out += parameter.required ? " <" + parameter.name + '>' : " [" + parameter.name + ']';
  }
  return out;
}

std::optional<Error> bind_arguments(std::string_view route, const std::vector<Parameter>& parameters,
                                    const std::vector<wire::Argument>& arguments, Dialect dialect,
                                    std::vector<Value>& values) {
  values.assign(parameters.size(), {});
  Binding binding(route, parameters, dialect, values);
  for (const wire::Argument& argument : arguments) {
    if (auto error = binding.bind(argument)) return error;
  }
  return binding.fill_in();
}

}  // namespace linegate::daemon
