#include "wire/reply.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "json/quote.h"

namespace linegate::wire {
namespace {

bool has_break(std::string_view json) {
  return json.find('\n') != json.npos || json.find('\r') != json.npos;
}

// A break in JSON is white space: a space means the same and keeps the line whole.
template <typename Out>
void put_json(Out& out, std::string_view json) {
  if (!has_break(json)) {
    out.append(json);
    return;
  }
  std::string line(json);
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::replace(line.begin(), line.end(), '\r', ' ');
  out.append(std::string_view(line));
}

template <typename Out>
void put_tag(Out& out, const ReplyTo& to) {
  if (to.id.empty()) return;
  out.push_back('#');
  out.append(std::string_view(to.id));
  out.push_back(' ');
}

template <typename Out>
void put_envelope(Out& out, const ReplyTo& to) {
  out.append(std::string_view(R"({"jsonrpc":"2.0","id":)"));
  out.append(std::string_view(to.id));
}

template <typename Out>
void put_begin(Out& out, const ReplyTo& to) {
  if (to.dialect == Dialect::text) {
    put_tag(out, to);
    if (!to.raw) out.append(std::string_view("OK "));
  } else {
    put_envelope(out, to);
    out.append(std::string_view(R"(,"result":)"));
  }
}

// Without the LF.
template <typename Out>
void put_end(Out& out, const ReplyTo& to, std::string_view meta) {
  bool show = to.want_meta && !meta.empty();
  if (to.dialect == Dialect::text) {
    if (show) out.push_back(' ');
    if (show) put_json(out, meta);
  } else {
    if (show) out.append(std::string_view(R"(,"meta":)"));
    if (show) put_json(out, meta);
    out.push_back('}');
  }
}

// Takes what the put functions write, and only counts it.
struct Length {
  std::size_t bytes = 0;
  void append(std::string_view more) { bytes += more.size(); }
  void push_back(char) { ++bytes; }
};

std::string sentence(const Error& error) {
  if (!error.message.empty()) return error.message;
  std::string_view standard = standard_message(error.symbol);
  return std::string(standard.empty() ? name(error.symbol) : standard);
}

std::string text_error(const ReplyTo& to, const Error& error) {
  std::string out;
  put_tag(out, to);
  out += "ERR ";
  out += name(error.symbol);
  out += " {\"message\":";
  json::append_quoted(out, sentence(error));
  put_json(out, error.members);
  return out += '}';
}

std::string jsonrpc_error(const ReplyTo& to, const Error& error) {
  std::string_view standard = standard_message(error.symbol);
  std::string out;
  put_envelope(out, to);
  out += R"(,"error":{"code":)" + std::to_string(code(error.symbol)) + R"(,"message":)";
  json::append_quoted(out, standard.empty() ? sentence(error) : standard);
  out += R"(,"data":{"symbol":")";
  out += name(error.symbol);
  out += '"';
  if (!error.message.empty()) {
    out += R"(,"message":)";
    json::append_quoted(out, error.message);
  }
  put_json(out, error.members);
  return out += "}}}";
}

std::string error_text(const ReplyTo& to, const Error& error) {
  return to.dialect == Dialect::text ? text_error(to, error) : jsonrpc_error(to, error);
}

std::string result_text(const ReplyTo& to, std::string_view json, std::string_view meta) {
  std::string out;
  put_begin(out, to);
  put_json(out, json);
  put_end(out, to, meta);
  return out;
}

Error too_large(std::size_t max_reply) {
  Error error{Symbol::reply_too_large, "the batch's answers are too large together", {}};
  error.number("limit", static_cast<long long>(max_reply));
  return error;
}

}  // namespace

void begin_result(Buffer& out, const ReplyTo& to) {
  put_begin(out, to);
}

void end_result(Buffer& out, const ReplyTo& to, std::string_view meta) {
  put_end(out, to, meta);
  out.push_back('\n');
}

void write_result(Buffer& out, const ReplyTo& to, std::string_view json, std::string_view meta) {
  if (to.notification) return;
  begin_result(out, to);
  put_json(out, json);
  end_result(out, to, meta);
}

void write_error(Buffer& out, const ReplyTo& to, const Error& error) {
  if (to.notification) return;
  out.append(error_text(to, error));
  out.push_back('\n');
}

std::size_t result_size(const ReplyTo& to, std::size_t json_bytes, std::size_t meta_bytes) {
  std::size_t meta = to.want_meta ? std::string_view(R"(,"meta":)").size() + meta_bytes : 0;
  Length envelope;
  put_begin(envelope, to);
  put_end(envelope, to, {});
  return envelope.bytes + json_bytes + meta + 1;
}

BatchReply::BatchReply(const Batch& batch, std::size_t max_reply) : max_reply_(max_reply) {
  Error reserve = too_large(max_reply);
  for (const auto& item : batch.items) {
    ReplyTo to = std::visit([](const auto& any) { return any.to; }, item);
    std::string text = to.notification ? std::string() : error_text(to, reserve);
    size_ += text.empty() ? 0 : text.size() + 1;
    elements_.push_back({std::move(to), std::move(text)});
  }
  pending_ = elements_.size();
  for (std::size_t i = 0; i < elements_.size(); ++i) {
    if (const auto* refusal = std::get_if<Refusal>(&batch.items[i])) error(i, refusal->error);
  }
}

void BatchReply::result(std::size_t index, std::string_view json, std::string_view meta) {
  put(index, result_text(elements_[index].to, json, meta));
}

void BatchReply::error(std::size_t index, const Error& error) {
  put(index, error_text(elements_[index].to, error));
}

void BatchReply::put(std::size_t index, std::string text) {
  --pending_;
  std::string& place = elements_[index].text;
  if (place.empty()) return;  // a notification
  std::size_t size = size_ - place.size() + text.size();
  if (size > max_reply_ && text.size() > place.size()) return;
  size_ = size;
  place = std::move(text);
}

void BatchReply::write_to(Buffer& out) const {
  char before = '[';
  for (const Element& element : elements_) {
    if (element.text.empty()) continue;
    out.push_back(std::exchange(before, ','));
    out.append(element.text);
  }
  if (before == ',') out.append("]\n");
}

}  // namespace linegate::wire
