// Bytes that arrive at the back and leave at the front, in one block. A new one holds no memory and is one
// pointer wide, since most buffers of most clients are empty; a used one keeps its block until release().
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace linegate {

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept = default;
  Buffer& operator=(Buffer&& other) noexcept = default;

  std::string_view view() const {
    return block_ ? std::string_view(block_->bytes() + block_->begin, size()) : std::string_view();
  }
  std::size_t size() const { return block_ ? block_->end - block_->begin : 0; }
  bool empty() const { return size() == 0; }
  std::size_t capacity() const { return block_ ? block_->capacity : 0; }
  // How much can be appended without moving what is there.
  std::size_t room() const { return block_ ? block_->capacity - block_->end : 0; }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
    commit(bytes.size());
  }
  void push_back(char byte) {
    *reserve(1) = byte;
    commit(1);
  }

  // Room for `n` bytes, at least one, behind the last one: write there, then commit() what was written.
  char* reserve(std::size_t n) {
    if (room() < n) make_room(n);
    return block_->bytes() + block_->end;
  }
  void commit(std::size_t n) { block_->end += n; }

  // Drops `n` bytes at the front.
  void consume(std::size_t n) {
    if (n == 0) return;
    block_->begin += n;
    if (block_->begin == block_->end) block_->begin = block_->end = 0;
  }

  // Gives the memory back; the bytes are gone.
  void release() { block_.reset(); }

  void swap(Buffer& other) noexcept { block_.swap(other.block_); }

 private:
  // The head of a block; its bytes follow.
  struct Block {
    std::size_t begin;
    std::size_t end;
    std::size_t capacity;
    char* bytes() { return reinterpret_cast<char*>(this + 1); }
  };
  struct Free {
    void operator()(Block* block) const { ::operator delete(block); }
  };
  using Owner = std::unique_ptr<Block, Free>;
  static Owner allocate(std::size_t capacity);
  void make_room(std::size_t n);

  Owner block_;
};

}  // namespace linegate
