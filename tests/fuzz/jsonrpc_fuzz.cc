// Any bytes as a line of the JSON-RPC dialect: it is a parse error exactly if it is not JSON; ids and
// parameters come out as valid JSON; every reply is one line of valid JSON.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "expect.h"
#include "json/validate.h"
#include "wire/jsonrpc.h"
#include "wire/reply.h"

namespace {

using namespace linegate;

constexpr wire::JsonRpcLimits kLimits{.max_batch = 4, .max_depth = 6, .max_id = 16};

bool is_json(std::string_view text) {
  return !json::validate(text, text.size());
}

void check_line(const Buffer& out) {
  std::string_view line = out.view();
  if (line.empty()) return;
  FUZZ_EXPECT(line.find('\n') == line.size() - 1);
  FUZZ_EXPECT(is_json(line));
}

void check(const wire::ReplyTo& to) {
  FUZZ_EXPECT(to.notification || is_json(to.id));
  FUZZ_EXPECT(to.id.size() <= kLimits.max_id);
  Buffer out;
  wire::write_result(out, to, "null", "{}");
  check_line(out);
}

void check(const wire::Call& call) {
  check(call.to);
  for (const wire::Argument& argument : call.arguments) {
    FUZZ_EXPECT(!json::validate(argument.value, kLimits.max_depth));
  }
}

void check(const wire::Cancel& cancel) {
  check(cancel.to);
  FUZZ_EXPECT(is_json(cancel.target));
}

void check(const wire::Refusal& refusal) {
  check(refusal.to);
  Buffer out;
  wire::write_error(out, refusal.to, refusal.error);
  check_line(out);
}

void check(const wire::Batch& batch) {
  constexpr std::size_t kMaxReply = 1024;
  FUZZ_EXPECT(!batch.items.empty());
  wire::BatchReply reply(batch, kMaxReply);
  for (std::size_t i = 0; i < batch.items.size(); ++i) {
    std::visit([](const auto& item) { check(item); }, batch.items[i]);
    if (!std::holds_alternative<wire::Refusal>(batch.items[i])) reply.result(i, "[1]");
  }
  FUZZ_EXPECT(reply.pending() == 0);
  Buffer out;
  reply.write_to(out);
  check_line(out);
  FUZZ_EXPECT(batch.items.size() > kLimits.max_batch || out.size() <= kMaxReply);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string line(reinterpret_cast<const char*>(data), size);
  line.resize(std::min(line.find('\n'), line.size()));
  wire::Message message = wire::parse_jsonrpc(line, kLimits);
  auto* refusal = std::get_if<wire::Refusal>(&message);
  bool parse_error = refusal != nullptr && refusal->error.symbol == wire::Symbol::parse_error;
  FUZZ_EXPECT(parse_error == !is_json(line));
  std::visit([](const auto& any) { check(any); }, message);
  return 0;
}
