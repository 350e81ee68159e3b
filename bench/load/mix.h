// The request mix: which requests are sent, how often, and what must come back. Read from a file, one kind a
// line:
//
//   # weight  expect  request
//   9         100     item {id}                 an item of 100 bytes (bench/common/item.h)
//   1         4096    item {id} size=4096       one of 4 KiB
//   1         ="pong" ping                      this JSON value
//   1         !unknown_method nosuch {id}       this error
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "load/dialect.h"
#include "load/form.h"

namespace bench {

struct Kind {
  std::uint32_t weight = 1;
  Form request;
  Form reply;         // what must come back, unless:
  std::string error;  // the symbol of the error that must
};

class Mix {
 public:
  // Throws std::runtime_error that names the line.
  static Mix parse(std::string_view text, Dialect dialect);
  static Mix read(const std::string& path, Dialect dialect);

  // The kind of request number `n`: the same sequence in each run, with kinds spread, not in blocks.
  const Kind& pick(std::uint64_t n) const {
    return kinds_.size() == 1 ? kinds_[0] : kinds_[order_[n % order_.size()]];
  }
  const std::vector<Kind>& kinds() const { return kinds_; }

 private:
  void spread();
  std::vector<Kind> kinds_;
  std::vector<std::uint32_t> order_;
};

}  // namespace bench
