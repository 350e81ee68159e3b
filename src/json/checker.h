// Checks what an API sent, and makes one line of it. Reuses one simdjson DOM parser; never re-encodes:
// numbers, key order and escapes stay byte for byte. One per loop, owned by whoever answers there; not for
// two threads at once.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "json/validate.h"

namespace linegate::json {

inline constexpr std::size_t kMaxDepth = 1000;  // of an API's body

// simdjson reads this far behind the end. A body whose capacity has room for it is checked without a copy.
inline constexpr std::size_t kPadding = 64;

class Checker {
 public:
  // The DOM parser keeps about 14 times `dom_capacity` bytes after a body of that size. Longer bodies are
  // left to validate(), which needs no memory.
  explicit Checker(std::size_t dom_capacity = std::size_t{1} << 20);
  ~Checker();
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  // nullopt: `body` is JSON, nested at most kMaxDepth deep. A leading byte order mark is cut off `body`;
  // offsets count without it. Its capacity may grow by kPadding, its bytes stay. An empty body is a fault.
  std::optional<Fault> check(std::string& body);

  // check(), then the minified bytes behind `out`; nothing is appended if there is a fault.
  std::optional<Fault> minify_into(std::string& body, Buffer& out);
  std::optional<Fault> minify_into(std::string& body, std::string& out);

 private:
  struct Dom;  // hides simdjson.h
  std::unique_ptr<Dom> dom_;
};

// Appends `json`, which a check has passed, without white space outside strings: one line, never longer than
// before.
void append_minified(Buffer& out, std::string_view json);
void append_minified(std::string& out, std::string_view json);

}  // namespace linegate::json
