#include "base/buffer.h"

#include <algorithm>
#include <new>

namespace linegate {
namespace {

constexpr std::size_t kSmallest = 256;  // of a block, its head included

}  // namespace

Buffer::Owner Buffer::allocate(std::size_t capacity) {
  void* memory = ::operator new(sizeof(Block) + capacity);
  return Owner(new (memory) Block{0, 0, capacity});
}

void Buffer::make_room(std::size_t n) {
  std::size_t held = size();
  if (capacity() - held >= n && block_->begin >= held) {  // moving is cheaper than a new block
    std::memcpy(block_->bytes(), block_->bytes() + block_->begin, held);
  } else {
    Owner grown = allocate(std::max({held + n, 2 * capacity(), kSmallest - sizeof(Block)}));
    if (held != 0) std::memcpy(grown->bytes(), block_->bytes() + block_->begin, held);
    block_ = std::move(grown);
  }
  block_->begin = 0;
  block_->end = held;
}

}  // namespace linegate
