#include "upstream/key.h"

namespace linegate {
namespace {

void append_number(std::string& bytes, std::uint64_t number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

// With its length in front: where a piece ends does not depend on what is in it.
void append_piece(std::string& bytes, std::string_view piece) {
  append_number(bytes, piece.size());
  bytes.append(piece);
}

// About: it saves growing in steps, and need not be exact.
std::size_t size_of(const Request& request) {
  constexpr std::size_t kPiece = 8;
  std::size_t size = 8 * kPiece + request.target.size() + request.method.size() + request.body.size();
  for (const auto& [name, value] : request.headers) size += 2 * kPiece + name.size() + value.size();
  return size;
}

}  // namespace

void write_key(RequestKey& key, std::uint64_t upstream, const Request& request, CacheMode mode) {
  std::string& bytes = key.bytes;
  bytes.clear();
  bytes.reserve(size_of(request));
  append_number(bytes, upstream);
  append_piece(bytes, request.target);
  key.resource_size = bytes.size();
  append_piece(bytes, request.method);
  append_number(bytes, mode == CacheMode::override_ttl);
  append_number(bytes, request.fixed ? request.fixed->id() : 0);
  append_number(bytes, request.headers.size());
  for (const auto& [name, value] : request.headers) {
    append_piece(bytes, name);
    append_piece(bytes, value);
  }
  append_piece(bytes, request.body);
  key.hash = keyed_hash(bytes);
}

std::string fingerprint(const RequestKey& key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kDigits[key.hash >> shift & 0xf]);
  return text;
}

}  // namespace linegate
