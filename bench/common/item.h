// What the upstream answers for an item, and what every load generator therefore expects: JSON that Python,
// Go and Node re-emit byte for byte (whole numbers, ASCII, members in alphabetical order), so that replies
// can be compared exactly.
#pragma once

#include <cstddef>
#include <string>

namespace bench {

// The body is `before`, the item's id, `after`.
struct ItemBody {
  std::string before;
  std::string after;
};

inline constexpr std::size_t kSmallBody = 100;

// At least `size` bytes with an id of 12; never less than the about 100 bytes of an item without parts.
inline ItemBody item_body(std::size_t size) {
  ItemBody body{R"({"id":")", "\""};
  const std::string end =
      R"(,"name":"Blue kettle","price_cents":3450,"stock":12,"tags":["kitchen","steel"]})";
  const std::size_t fixed = body.before.size() + 12 + body.after.size() + end.size();
  if (size > fixed + 32) {
    body.after += R"(,"items":[)";
    for (std::size_t sku = 100000; fixed + body.after.size() < size; ++sku) {
      body.after += R"({"name":"Steel spoon","sku":)" + std::to_string(sku) + R"(,"stock":7},)";
    }
    body.after.back() = ']';
  }
  body.after += end;
  return body;
}

}  // namespace bench
