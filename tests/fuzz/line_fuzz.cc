// Any bytes as a line of the text dialect: it becomes a Call that can be written out and read back as the
// same, or a Refusal; its reply is one line.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "expect.h"
#include "json/quote.h"
#include "json/utf8.h"
#include "json/validate.h"
#include "wire/parse.h"
#include "wire/reply.h"
#include "wire/sniff.h"
#include "wire/text.h"

namespace {

using namespace linegate;

// The same call with every value in quotes.
std::string written_out(const wire::Call& call) {
  std::string line = call.method;
  for (const wire::Argument& argument : call.arguments) {
    line += ' ';
    if (!argument.name.empty()) line += argument.name + '=';
    json::append_quoted(line, argument.value);
  }
  if (!call.to.id.empty()) line += " @id=" + call.to.id;
  if (call.to.want_meta) line += " @meta";
  if (call.to.raw) line += " @raw";
  if (call.fresh) line += " @fresh";
  return line;
}

bool same(const wire::Argument& a, const wire::Argument& b) {
  return a.name == b.name && a.value == b.value;
}

void check_call(const wire::Call& call) {
  FUZZ_EXPECT(!call.method.empty());
  wire::Message again = wire::parse_text(written_out(call));
  auto* copy = std::get_if<wire::Call>(&again);
  FUZZ_EXPECT(copy != nullptr);
  FUZZ_EXPECT(copy->method == call.method && copy->to.id == call.to.id);
  FUZZ_EXPECT(copy->to.want_meta == call.to.want_meta && copy->to.raw == call.to.raw &&
              copy->fresh == call.fresh);
  FUZZ_EXPECT(std::equal(copy->arguments.begin(), copy->arguments.end(), call.arguments.begin(),
                         call.arguments.end(), same));
}

void check_refusal(const wire::Refusal& refusal) {
  Buffer out;
  wire::write_error(out, refusal.to, refusal.error);
  std::string_view reply = out.view();
  FUZZ_EXPECT(reply.find('\n') == reply.size() - 1);
  FUZZ_EXPECT(json::is_utf8(reply));
  FUZZ_EXPECT(!json::validate(reply.substr(reply.find('{')), 8));
}

void sniff(std::string_view bytes) {
  if (!bytes.empty()) wire::sniff_start(bytes);
  wire::sniff_later_line(bytes);
  // What is recognised early must still be so when the line is complete.
  if (wire::sniff_partial(bytes) == wire::Foreign::http) {
    FUZZ_EXPECT(wire::sniff_line(bytes, false) == wire::Foreign::http);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string line(reinterpret_cast<const char*>(data), size);
  line.resize(std::min(line.find('\n'), line.size()));
  sniff(line);
  if (wire::is_blank(line)) return 0;
  wire::Message message = wire::parse_text(line);
  if (auto* call = std::get_if<wire::Call>(&message)) {
    check_call(*call);
  } else {
    FUZZ_EXPECT(std::holds_alternative<wire::Refusal>(message));
    check_refusal(std::get<wire::Refusal>(message));
  }
  return 0;
}
