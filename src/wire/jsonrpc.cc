#include "wire/jsonrpc.h"

#include <utility>

#include "json/scan.h"
#include "json/validate.h"
#include "wire/request.h"

namespace linegate::wire {
namespace {

// The example in protocol.md has no sentence: where JSON goes wrong is seldom where its writer erred.
std::string explain(const json::Fault& fault) {
  return fault.what == json::kNotUtf8 ? "the line is not UTF-8" : "";
}

Error batch_too_large(std::size_t count, std::size_t limit) {
  Error error{Symbol::batch_too_large, {}, {}};
  error.message = "the batch has " + std::to_string(count) + " items, more than " + std::to_string(limit);
  error.number("limit", static_cast<long long>(limit));
  return error;
}

// A batch that answers nothing.
Batch silent(Error error) {
  ReplyTo nobody;
  nobody.dialect = Dialect::jsonrpc;
  nobody.notification = true;
  Batch batch;
  batch.items.push_back(Refusal{std::move(nobody), std::move(error)});
  return batch;
}

class LineParser {
 public:
  LineParser(std::string_view line, const JsonRpcLimits& limits) : line_(json::trim(line)), limits_(limits) {}

  Message run() {
    auto fault = json::validate(line_, limits_.max_depth);
    too_deep_ = fault && fault->too_deep;
    if (too_deep_) fault = json::validate(line_, line_.size());
    if (fault) return refuse_anonymous({Symbol::parse_error, explain(*fault), {}});
    return json::kind(line_) == json::Kind::array ? batch() : single();
  }

 private:
  Message single() const {
    Item item = parse_request(line_, too_deep_, limits_.max_id);
    return std::visit([](auto& any) { return Message(std::move(any)); }, item);
  }

  Message batch() const {
    std::size_t count = 0;
    for (json::Elements element(line_); element.next();) ++count;
    if (count == 0) return refuse_anonymous({Symbol::invalid_request, "the batch is empty", {}});
    if (count > limits_.max_batch) return refuse_all(batch_too_large(count, limits_.max_batch));
    Batch batch;
    for (json::Elements element(line_); element.next();) batch.items.push_back(item(element.value()));
    return batch;
  }

  // In a batch that is too deep somewhere, only the items that are so themselves are refused.
  Item item(std::string_view raw) const {
    bool too_deep = too_deep_ && json::validate(raw, limits_.max_depth - 1);
    return parse_request(raw, too_deep, limits_.max_id);
  }

  // Nothing of it runs; each id gets its error, so that no client waits for ever.
  Message refuse_all(const Error& error) const {
    Batch refused;
    bool malformed = false;
    for (json::Elements element(line_); element.next();) {
      Item one = item(element.value());
      ReplyTo& to = std::visit([](auto& any) -> ReplyTo& { return any.to; }, one);
      bool unknown = std::holds_alternative<Refusal>(one) && to.id == "null";
      malformed |= unknown && !to.notification;
      if (!unknown && !to.notification) refused.items.push_back(Refusal{std::move(to), error});
    }
    if (!refused.items.empty()) return refused;
    if (malformed) return refuse_anonymous(error);
    return silent(error);
  }

  std::string_view line_;
  const JsonRpcLimits& limits_;
  bool too_deep_ = false;
};

}  // namespace

Message parse_jsonrpc(std::string_view line, const JsonRpcLimits& limits) {
  return LineParser(line, limits).run();
}

}  // namespace linegate::wire
