// Finds secrets in bytes that others wrote (SecretSet of secret.h), however they spell them.
#include <algorithm>
#include <optional>

#include "daemon/secret.h"
#include "json/utf8.h"

namespace linegate::daemon {
namespace {

std::optional<unsigned> hex(std::string_view digits) {
  unsigned value = 0;
  for (char c : digits) {
    unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                     : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A' + 10)
                                            : 16;
    if (digit == 16) return std::nullopt;
    value = value << 4 | digit;
  }
  return value;
}

// One spelled unit at the front of a text: what it stands for, and how many bytes it takes. `cut` = the text
// ends within it.
struct Unit {
  std::string meaning;
  std::size_t length = 0;
  bool cut = false;
};

Unit percent_unit(std::string_view text) {
  if (text.size() < 3) return {"", text.size(), true};
  auto byte = hex(text.substr(1, 2));
  if (!byte) return {"%", 1};
  return {std::string(1, static_cast<char>(*byte)), 3};
}

// \uXXXX, or a pair of them that is one code point.
Unit unicode_unit(std::string_view text) {
  static const Unit kHalfPair{"\xff", 6};  // stands for nothing that UTF-8 can hold
  if (text.size() < 6) return {"", text.size(), true};
  auto code = hex(text.substr(2, 4));
  if (!code) return {"\\", 1};
  Unit unit{"", 6};
  char32_t point = *code;
  if (point >= 0xd800 && point < 0xdc00) {
    if (text.size() < 12) return {"", text.size(), true};
    auto low = text.substr(6, 2) == "\\u" ? hex(text.substr(8, 4)) : std::nullopt;
    if (!low || *low < 0xdc00 || *low > 0xdfff) return kHalfPair;
    point = 0x10000 + ((point - 0xd800) << 10) + (*low - 0xdc00);
    unit.length = 12;
  } else if (point >= 0xdc00 && point <= 0xdfff) {
    return kHalfPair;
  }
  json::append_code_point(unit.meaning, point);
  return unit;
}

Unit backslash_unit(std::string_view text) {
  static constexpr std::string_view kEscapes = "\"\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (text.size() < 2) return {"", text.size(), true};
  if (text[1] == 'u') return unicode_unit(text);
  std::size_t which = kEscapes.find(text[1]);
  if (which == std::string_view::npos) return {"\\", 1};
  return {std::string(1, kMeanings[which]), 2};
}

// How a text spells its bytes, beyond "as they are".
struct Spelling {
  bool percent = true;
  bool may_be_cut = true;  // a secret's beginning at the very end counts
};

Unit next_unit(std::string_view text, char wanted, Spelling spelling) {
  if (text[0] == '%' && spelling.percent) return percent_unit(text);
  if (text[0] == '\\') return backslash_unit(text);
  if (text[0] == '+' && wanted == ' ') return {" ", 1};
  return {std::string(1, text[0]), 1};
}

std::size_t match_raw(std::string_view text, std::string_view secret) {
  std::size_t n = std::min(text.size(), secret.size());
  if (n < SecretSet::kShortest || text.substr(0, n) != secret.substr(0, n)) return 0;
  return n;
}

std::size_t match_spelled(std::string_view text, std::string_view secret, Spelling spelling) {
  std::size_t at = 0;
  std::size_t matched = 0;
  auto cut = [&] { return spelling.may_be_cut && matched >= SecretSet::kShortest ? text.size() : 0; };
  while (matched < secret.size()) {
    if (at == text.size()) return cut();
    Unit unit = next_unit(text.substr(at), secret[matched], spelling);
    if (unit.cut) return cut();
    if (!secret.substr(matched).starts_with(unit.meaning)) return 0;
    matched += unit.meaning.size();
    at += unit.length;
  }
  return at;
}

// The end of the string token that begins at `at` (its opening quote), or of the text.
std::size_t string_end(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return std::min(at, json.size());
}

bool is_scalar_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '+' ||
         c == '.';
}

}  // namespace

void SecretSet::add(std::string_view secret) {
  if (secret.size() < kShortest) return;
  std::string encoded = base64(secret);
  encoded.erase(encoded.find_last_not_of('=') + 1);
  for (const std::string& form : {std::string(secret), encoded}) {
    if (std::find(secrets_.begin(), secrets_.end(), form) != secrets_.end()) continue;
    auto shorter = [&](const std::string& other) { return other.size() < form.size(); };
    secrets_.insert(std::find_if(secrets_.begin(), secrets_.end(), shorter), form);
    first_[static_cast<unsigned char>(form[0])] = true;
    if (form[0] == ' ') first_[static_cast<unsigned char>('+')] = true;
  }
  first_[static_cast<unsigned char>('%')] = first_[static_cast<unsigned char>('\\')] = true;
}

std::size_t SecretSet::match(std::string_view text) const {
  if (!first_[static_cast<unsigned char>(text[0])]) return 0;
  for (const std::string& secret : secrets_) {
    if (std::size_t n = match_raw(text, secret)) return n;
    if (std::size_t n = match_spelled(text, secret, {})) return n;
  }
  return 0;
}

// Never ends within an escape, or what follows would no longer be JSON.
std::size_t SecretSet::match_in_string(std::string_view text) const {
  if (!first_[static_cast<unsigned char>(text[0])]) return 0;
  for (const std::string& secret : secrets_) {
    if (std::size_t n = match_spelled(text, secret, {.percent = true, .may_be_cut = false})) return n;
    if (std::size_t n = match_spelled(text, secret, {.percent = false, .may_be_cut = false})) return n;
  }
  return 0;
}

std::string SecretSet::mask(std::string_view foreign) const {
  if (empty()) return std::string(foreign);
  std::string out;
  for (std::size_t at = 0; at < foreign.size();) {
    if (std::size_t n = match(foreign.substr(at))) {
      out += kMask;
      at += n;
    } else {
      out += foreign[at++];
    }
  }
  return out;
}

// `content` is the inside of a JSON string. Steps over escapes as a whole: the "u" of `\\u0041` begins none.
std::string SecretSet::mask_string(std::string_view content) const {
  std::string out;
  for (std::size_t at = 0; at < content.size();) {
    std::size_t n = match_in_string(content.substr(at));
    std::size_t step = n > 0 ? n : content[at] == '\\' ? 2 : 1;
    out += n > 0 ? kMask : content.substr(at, step);
    at += step;
  }
  return out;
}

std::string SecretSet::mask_json(std::string_view json) const {
  if (empty()) return std::string(json);
  std::string out;
  for (std::size_t at = 0; at < json.size();) {
    std::size_t end = at;
    if (json[at] == '"') {
      end = string_end(json, at);
      out += '"' + mask_string(json.substr(at + 1, end - at - 1));
      if (end < json.size()) out += json[end++];
    } else if (is_scalar_byte(json[at])) {
      while (end < json.size() && is_scalar_byte(json[end])) ++end;
      std::string_view scalar = json.substr(at, end - at);
      std::string masked = mask_string(scalar);
      out += masked == scalar ? masked : "\"***\"";
    } else {
      out += json[end++];
    }
    at = end;
  }
  return out;
}

}  // namespace linegate::daemon
