// Any bytes as an API's body: the validator and simdjson's DOM agree but where the DOM is known to refuse
// valid JSON; what is minified is valid, one line and final; the cursors cut valid JSON into valid JSON, and
// stay inside the rest.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "expect.h"
#include "json/checker.h"
#include "json/quote.h"
#include "json/scan.h"
#include "json/utf8.h"
#include "json/validate.h"

namespace {

using namespace linegate;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Numbers over 64 bits (told in words, because only simdjson >= 3.1 has a code for it), lone surrogates,
// depth.
bool may_refuse_valid(simdjson::error_code error) {
  std::string_view message = simdjson::error_message(error);
  return error == simdjson::NUMBER_ERROR || error == simdjson::STRING_ERROR ||
         error == simdjson::DEPTH_ERROR || message.find("ig integer") != message.npos;
}

void compare_with_dom(const std::string& text) {
  static simdjson::dom::parser parser;
  if (text.starts_with(kByteOrderMark)) return;  // which simdjson >= 3.6 skips
  simdjson::dom::element root;
  auto error = parser.parse(text).get(root);
  bool valid = !json::validate(text, text.size());
  FUZZ_EXPECT(error || valid);
  FUZZ_EXPECT(!error || !valid || may_refuse_valid(error));
}

void check_strings(std::string_view raw) {
  auto text = json::unescape(raw);
  if (!text) return;
  FUZZ_EXPECT(json::is_utf8(*text));
  FUZZ_EXPECT(json::unescape(json::quoted(*text)) == text);
  FUZZ_EXPECT(json::key_is(raw, *text));
}

void walk(std::string_view raw, std::size_t depth) {
  FUZZ_EXPECT(!json::validate(raw, json::kMaxDepth));
  if (json::kind(raw) == json::Kind::string) check_strings(raw);
  if (depth == 0) return;
  for (json::Members member(raw); member.next();) {
    FUZZ_EXPECT(json::kind(member.key()) == json::Kind::string);
    walk(member.key(), 0);
    walk(member.value(), depth - 1);
  }
  for (json::Elements element(raw); element.next();) walk(element.value(), depth - 1);
}

void check_minified(const std::string& body) {
  std::string once;
  json::append_minified(once, body);
  FUZZ_EXPECT(once.size() <= body.size());
  FUZZ_EXPECT(!json::validate(once, json::kMaxDepth));
  FUZZ_EXPECT(once.find_first_of("\r\n") == once.npos);
  std::string twice;
  json::append_minified(twice, once);
  FUZZ_EXPECT(twice == once);
}

void stay_inside(std::string_view text) {
  for (json::Members member(text); member.next();) json::unescape(member.key());
  for (json::Elements element(text); element.next();) json::kind(element.value());
  json::unescape(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static json::Checker checker(2048);
  std::string body(reinterpret_cast<const char*>(data), size);
  FUZZ_EXPECT(json::is_utf8(body) == simdjson::validate_utf8(body));
  FUZZ_EXPECT(json::is_utf8(json::make_utf8(body)));
  FUZZ_EXPECT(!json::validate(json::quoted(body), 0));
  compare_with_dom(body);
  stay_inside(body);
  bool refused = checker.check(body).has_value();
  FUZZ_EXPECT(refused == json::validate(body, json::kMaxDepth).has_value());
  if (refused) return 0;
  check_minified(body);
  walk(json::trim(body), 3);
  return 0;
}
