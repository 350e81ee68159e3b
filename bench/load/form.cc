// Writes and compares messages with holes.
#include "load/form.h"

#include <charconv>

namespace bench {
namespace {

std::string_view digits(std::uint32_t slot, char (&space)[16]) {
  const auto end = std::to_chars(space, space + sizeof space, slot).ptr;
  return {space, std::size_t(end - space)};
}

bool take(std::string_view& message, std::string_view expected) {
  if (!message.starts_with(expected)) return false;
  message.remove_prefix(expected.size());
  return true;
}

}  // namespace

Form::Piece& Form::open() {
  if (pieces_.empty() || pieces_.back().behind != Hole::none) pieces_.emplace_back();
  return pieces_.back();
}

Form& Form::literal(std::string_view text) {
  open().literal += text;
  return *this;
}

Form& Form::slot() {
  open().behind = Hole::slot;
  return *this;
}

Form& Form::token() {
  open().behind = Hole::token;
  return *this;
}

Form& Form::text_with_token(std::string_view text) {
  constexpr std::string_view hole = "{id}";
  for (auto at = text.find(hole); at != text.npos; at = text.find(hole)) {
    literal(text.substr(0, at)).token();
    text.remove_prefix(at + hole.size());
  }
  return literal(text);
}

void Form::write(std::string& out, std::uint32_t slot, Token token) const {
  char space[16];
  for (const Piece& piece : pieces_) {
    out += piece.literal;
    if (piece.behind == Hole::slot) out += digits(slot, space);
    if (piece.behind == Hole::token) out += token;
  }
}

bool Form::matches(std::string_view message, std::uint32_t slot, Token token) const {
  char space[16];
  for (const Piece& piece : pieces_) {
    if (!take(message, piece.literal)) return false;
    if (piece.behind == Hole::slot && !take(message, digits(slot, space))) return false;
    if (piece.behind == Hole::token && !take(message, token)) return false;
  }
  return message.empty();
}

void write_token(char* out, std::uint32_t connection, std::uint32_t request) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::uint64_t number = (std::uint64_t{connection} << 32) | request;
  for (std::size_t i = kTokenSize; i-- > 0; number >>= 4) out[i] = kDigits[number & 15];
}

}  // namespace bench
