// The stub's responses: GET /item/ID and GET /item/ID?size=BYTES answer the item of common/item.h; a set
// share answers 503. Anything else is 404. Responses of a size are built once.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>

namespace bench {

class Answers {
 public:
  Answers(std::size_t body, double errors) : body_(body), errors_(errors) {}

  // Appends the response to a request line, "GET /item/0000 HTTP/1.1".
  void append(std::string_view request_line, std::string& out);

 private:
  struct Item {
    std::size_t fixed;  // bytes of the body without the id
    std::string before;
    std::string after;
  };
  const Item& item(std::size_t size);

  std::size_t body_;
  double errors_;
  std::map<std::size_t, Item> items_;
  std::minstd_rand random_{1};
};

}  // namespace bench
