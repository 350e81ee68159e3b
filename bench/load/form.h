// A message with holes: a request to write, or the reply to expect. The holes are the slot of the request on
// its connection (the id of JSON-RPC) and its token, which no other request of the run has (of those that ask
// for another key, with --keys): a reply that was swapped cannot match.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using Token = std::string_view;  // 12 bytes

class Form {
 public:
  enum class Hole { none, slot, token };

  Form& literal(std::string_view text);
  Form& slot();
  Form& token();
  // `{id}` in `text` is the token.
  Form& text_with_token(std::string_view text);

  void write(std::string& out, std::uint32_t slot, Token token) const;
  bool matches(std::string_view message, std::uint32_t slot, Token token) const;

 private:
  struct Piece {
    std::string literal;
    Hole behind = Hole::none;
  };
  Piece& open();
  std::vector<Piece> pieces_;
};

// Twelve hexadecimal digits: 16 bits of the connection's number, 32 of the request's.
inline constexpr std::size_t kTokenSize = 12;
void write_token(char* out, std::uint32_t connection, std::uint32_t request);

}  // namespace bench
