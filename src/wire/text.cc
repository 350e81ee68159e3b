#include "wire/text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "base/suggest.h"
#include "base/units.h"
#include "json/quote.h"
#include "json/scan.h"
#include "json/utf8.h"
#include "json/validate.h"
#include "wire/words.h"

namespace linegate::wire {
namespace {

constexpr std::size_t kMaxReflected = 64;

std::string reflect(std::string_view text) {
  return json::quoted(cut_utf8(text, kMaxReflected));
}

// One pass over one line. A step returns false where nothing behind the fault can be understood; a fault in
// an option's meaning lets the rest be read, because an @id may stand there. The first fault is the one that
// is told.
class TextParser {
 public:
  explicit TextParser(std::string_view line) : rest_(line) { call_.to.dialect = Dialect::text; }

  Message run() {
    if (check_bytes() && words()) check_whole();
    if (fault_) return Refusal{std::move(call_.to), *std::move(fault_)};
    return std::move(call_);
  }

 private:
  struct Option {
    std::string_view name;
    bool takes_value;
    void (TextParser::*apply)(std::string_view value);
  };
  static const std::array<Option, 5> kOptions;

  bool check_bytes() {
    if (!json::is_utf8(rest_)) return refuse(Symbol::parse_error, "the line is not UTF-8");
    for (char c : rest_) {
      if (is_control(c)) {
        return refuse(Symbol::parse_error, "a control character; write it as \\u00XX inside quotes");
      }
    }
    return true;
  }

  bool words() {
    for (skip_blanks(); !rest_.empty(); skip_blanks()) {
      if (!word()) return false;
    }
    return true;
  }

  void check_whole() {
    if (call_.method.empty()) refuse(Symbol::invalid_request, "a name is missing behind the options");
    bool both = call_.to.raw && call_.to.want_meta;
    if (both) refuse(Symbol::invalid_request, "@raw and @meta exclude each other");
  }

  bool word() {
    if (rest_[0] == '@') return option();
    return call_.method.empty() ? name() : argument();
  }

  bool name() {
    if (rest_[0] == '"')
      return refuse(Symbol::invalid_request, "the first word is a name, which stands without quotes");
    call_.method = take_bare();
    return true;
  }

  bool argument() {
    std::size_t length = name_length(rest_);
    std::string_view name = rest_.substr(0, length);
    if (length != 0) rest_.remove_prefix(length + 1);
    auto value = take_value(name);
    if (!value) return false;
    call_.arguments.push_back({std::string(name), *std::move(value)});
    return true;
  }

  bool option() {
    rest_.remove_prefix(1);
    std::string_view name = rest_.substr(0, std::min(rest_.find_first_of("= \t"), rest_.size()));
    rest_.remove_prefix(name.size());
    std::optional<std::string> value;
    if (rest_.starts_with('=')) {
      rest_.remove_prefix(1);
      value = take_value({});
      if (!value) return false;
    }
    apply(name, value);
    return true;
  }

  void apply(std::string_view name, const std::optional<std::string>& value) {
    for (std::size_t i = 0; i < kOptions.size(); ++i) {
      if (kOptions[i].name == name) return apply(kOptions[i], 1U << i, value);
    }
    refuse_unknown(name);
  }

  void apply(const Option& option, unsigned bit, const std::optional<std::string>& value) {
    std::string word = "@" + std::string(option.name);
    if ((seen_ & bit) != 0) {
      refuse(Symbol::invalid_request, word + " is given twice");
    } else if (option.takes_value != value.has_value()) {
      refuse(Symbol::invalid_request, word + (option.takes_value ? " needs a value" : " takes no value"));
    } else {
      (this->*option.apply)(value ? *value : std::string_view());
    }
    seen_ |= bit;
  }

  void apply_id(std::string_view value) {
    if (!is_token(value)) {
      refuse(Symbol::invalid_request, "@id is 1 to 64 of the characters A-Z a-z 0-9 . _ : -");
    } else {
      call_.to.id = value;
    }
  }

  void apply_timeout(std::string_view value) {
    call_.timeout = parse_duration(value);
    if (!call_.timeout || *call_.timeout <= Duration::zero()) {
      refuse(Symbol::invalid_request, "@timeout is a duration above zero, like 800ms or 2s");
    }
  }

  void apply_fresh(std::string_view) { call_.fresh = true; }
  void apply_meta(std::string_view) { call_.to.want_meta = true; }
  void apply_raw(std::string_view) { call_.to.raw = true; }

  void refuse_unknown(std::string_view name) {
    if (fault_) return;  // a line can hold thousands
    std::vector<std::string> known;
    for (const Option& option : kOptions) known.push_back("@" + std::string(option.name));
    std::string word = "@" + std::string(name);
    std::vector<std::string> nearest = suggest(word, known);
    Error error{Symbol::invalid_request, reflect(word) + " is not an option", {}};
    if (!nearest.empty()) {
      error.message += "; did you mean \"" + nearest[0] + "\"?";
      json::Array candidates;
      for (const std::string& candidate : nearest) candidates.text(candidate);
      error.raw("did_you_mean", candidates.take());
    }
    refuse(std::move(error));
  }

  // The value at the front: a word, or a JSON string. nullopt if the line cannot be read on.
  std::optional<std::string> take_value(std::string_view parameter) {
    return rest_.starts_with('"') ? take_quoted(parameter) : take_bare();
  }

  std::string take_bare() {
    std::string_view word = rest_.substr(0, bare_length(rest_));
    rest_.remove_prefix(word.size());
    return std::string(word);
  }

  std::optional<std::string> take_quoted(std::string_view parameter) {
    auto length = quoted_length(rest_);
    if (!length) return stop("a quoted value without closing quote");
    std::string_view token = rest_.substr(0, *length);
    rest_.remove_prefix(*length);
    if (auto fault = json::validate(token, 0)) {
      return stop("in a quoted value: " + std::string(fault->what));
    }
    if (!rest_.empty() && !is_blank(rest_[0])) {
      return stop("something follows a closing quote");
    }
    auto text = json::unescape(token);
    if (!text) refuse_surrogate(parameter);
    return text ? text : std::string();
  }

  void refuse_surrogate(std::string_view parameter) {
    Error error{Symbol::invalid_params, "a value with half a surrogate pair", {}};
    if (!parameter.empty()) error.text("param", parameter);
    refuse(std::move(error));
  }

  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_[0])) rest_.remove_prefix(1);
  }

  std::nullopt_t stop(std::string message) {
    refuse(Symbol::parse_error, std::move(message));
    return std::nullopt;
  }

  void refuse(Error error) {
    if (!fault_) fault_ = std::move(error);
  }

  // Always false, for a step to return.
  bool refuse(Symbol symbol, std::string message) {
    refuse(Error{symbol, std::move(message), {}});
    return false;
  }

  std::string_view rest_;
  Call call_;
  std::optional<Error> fault_;
  unsigned seen_ = 0;  // options, by their bit
};

const std::array<TextParser::Option, 5> TextParser::kOptions = {{
    {"id", true, &TextParser::apply_id},
    {"timeout", true, &TextParser::apply_timeout},
    {"fresh", false, &TextParser::apply_fresh},
    {"meta", false, &TextParser::apply_meta},
    {"raw", false, &TextParser::apply_raw},
}};

}  // namespace

Message parse_text(std::string_view line) {
  return TextParser(line).run();
}

}  // namespace linegate::wire
