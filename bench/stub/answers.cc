// Builds the responses.
#include "stub/answers.h"

#include <charconv>

#include "common/item.h"

namespace bench {
namespace {

constexpr std::string_view kError =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: "
    "16\r\n\r\n{\"error\":\"busy\"}";
constexpr std::string_view kNotFound =
    "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n{\"error\":\"no "
    "such\"}";

std::size_t size_in(std::string_view query, std::size_t otherwise) {
  constexpr std::string_view key = "size=";
  if (!query.starts_with(key)) return otherwise;
  std::size_t size = otherwise;
  std::from_chars(query.data() + key.size(), query.data() + query.size(), size);
  return size;
}

}  // namespace

const Answers::Item& Answers::item(std::size_t size) {
  const auto found = items_.find(size);
  if (found != items_.end()) return found->second;
  ItemBody body = item_body(size);
  const std::size_t fixed = body.before.size() + body.after.size();
  return items_.emplace(size, Item{fixed, std::move(body.before), std::move(body.after)}).first->second;
}

void Answers::append(std::string_view request_line, std::string& out) {
  constexpr std::string_view path = "GET /item/";
  if (!request_line.starts_with(path)) {
    out += kNotFound;
    return;
  }
  if (errors_ > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < errors_) {
    out += kError;
    return;
  }
  request_line.remove_prefix(path.size());
  const std::string_view target = request_line.substr(0, request_line.find(' '));
  const std::string_view id = target.substr(0, target.find('?'));
  const Item& found = item(id.size() == target.size() ? body_ : size_in(target.substr(id.size() + 1), body_));
  out += "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
  char digits[16];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, found.fixed + id.size()).ptr);
  ((out += "\r\n\r\n") += found.before) += id;
  out += found.after;
}

}  // namespace bench
