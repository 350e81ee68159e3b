// The only file that includes simdjson.
#include "json/checker.h"

#include <simdjson.h>

namespace linegate::json {
namespace {

// Below kMaxDepth by any version's way of counting, so that it is always validate() that decides at the
// border.
constexpr std::size_t kDomDepth = 900;
static_assert(kDomDepth < kMaxDepth - 2);
static_assert(kPadding >= simdjson::SIMDJSON_PADDING);

// simdjson's minifiers store whole blocks and may do so up to one block behind what they count as written.
constexpr std::size_t kBlock = 128;

constexpr std::size_t kSmallest = 64;  // what the parser holds before its first body

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::size_t minify_to(std::string_view json, char* out) {
  std::size_t written = 0;
  // It can only fail on a string without end, which no checked text has.
  [[maybe_unused]] auto error = simdjson::minify(json.data(), json.size(), out, written);
  return written;
}

}  // namespace

struct Checker::Dom {
  explicit Dom(std::size_t capacity) : parser(capacity) {
    [[maybe_unused]] auto error = parser.allocate(kSmallest, kDomDepth);
  }

  // False also for valid JSON: numbers over 64 bits, lone surrogates, deep nesting, more than the capacity.
  bool accepts(std::string& body) {
    std::size_t size = body.size();
    body.append(kPadding, '\0');
    simdjson::dom::element root;
    auto error = parser.parse(body.data(), size, false).get(root);
    body.resize(size);
    return error == simdjson::SUCCESS;
  }

  simdjson::dom::parser parser;
};

Checker::Checker(std::size_t dom_capacity) : dom_(std::make_unique<Dom>(dom_capacity)) {}
Checker::~Checker() = default;

std::optional<Fault> Checker::check(std::string& body) {
  if (body.starts_with(kByteOrderMark)) body.erase(0, kByteOrderMark.size());
  // simdjson >= 3.6 drops a byte order mark itself: a second one must not get through there only.
  if (!body.starts_with(kByteOrderMark) && dom_->accepts(body)) return std::nullopt;
  return validate(body, kMaxDepth);
}

std::optional<Fault> Checker::minify_into(std::string& body, Buffer& out) {
  auto fault = check(body);
  if (!fault) append_minified(out, body);
  return fault;
}

std::optional<Fault> Checker::minify_into(std::string& body, std::string& out) {
  auto fault = check(body);
  if (!fault) append_minified(out, body);
  return fault;
}

void append_minified(Buffer& out, std::string_view json) {
  out.commit(minify_to(json, out.reserve(json.size() + kBlock)));
}

void append_minified(std::string& out, std::string_view json) {
  std::size_t before = out.size();
  out.resize(before + json.size() + kBlock);
  out.resize(before + minify_to(json, out.data() + before));
}

}  // namespace linegate::json
