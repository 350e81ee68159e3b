#include "upstream/key.h"

#include "base/keyed_hash.h"

namespace linegate {
namespace {

void append_number(std::string& bytes, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<char>(number >> shift & 0xff));
}

// With its length in front: where a piece ends does not depend on what is in it.
void append_piece(std::string& bytes, std::string_view piece) {
  append_number(bytes, piece.size());
  bytes.append(piece);
}

}  // namespace

void write_key(RequestKey& key, std::uint64_t upstream, const Request& request) {
  std::string& bytes = key.bytes;
  bytes.clear();
  append_number(bytes, upstream);
  append_piece(bytes, request.target);
  key.resource_size = bytes.size();
  append_piece(bytes, request.method);
  append_number(bytes, request.fixed ? request.fixed->id() : 0);
  append_number(bytes, request.headers.size());
  for (const auto& [name, value] : request.headers) {
    append_piece(bytes, name);
    append_piece(bytes, value);
  }
  append_piece(bytes, request.body);
}

std::string fingerprint(const RequestKey& key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::uint64_t hash = keyed_hash(key.bytes);
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kDigits[hash >> shift & 0xf]);
  return text;
}

}  // namespace linegate
