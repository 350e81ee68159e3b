#include "base/buffer.h"

#include <algorithm>

namespace linegate {

char* Buffer::reserve(std::size_t n) {
  if (capacity_ - end_ >= n) return data_.get() + end_;
  std::size_t held = size();
  if (capacity_ - held >= n && begin_ >= held) {  // moving is cheaper than a new block
    std::memcpy(data_.get(), data_.get() + begin_, held);
  } else {
    std::size_t wanted = std::max({held + n, 2 * capacity_, std::size_t{256}});
    std::unique_ptr<char[]> block(new char[wanted]);
    if (held != 0) std::memcpy(block.get(), data_.get() + begin_, held);
    data_ = std::move(block);
    capacity_ = wanted;
  }
  begin_ = 0;
  end_ = held;
  return data_.get() + end_;
}

}  // namespace linegate
