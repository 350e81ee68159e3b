// Any bytes as the header block of a response: looking fields up stays inside, and each field that is shown
// is found.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "expect.h"
#include "http/headers.h"
#include "http/redirect.h"
#include "http/response.h"

namespace {

using namespace linegate;

void check_fields(const Headers& headers) {
  headers.for_each([&](std::string_view name, std::string_view value) {
    auto first = headers.get(name);
    FUZZ_EXPECT(first.has_value());
    bool found = false;
    for (std::string_view one : headers.get_all(name)) found = found || one.data() == value.data();
    FUZZ_EXPECT(found);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Response response;
  response.status = 302;
  response.headers.append_line(bytes);
  check_fields(response.headers);
  response.has_json_type();
  static const Url from = *parse_url("https://api.example/v1");
  auto to = redirect_target(response, from, Request{}, {.max = 1, .same_host = true});
  FUZZ_EXPECT(!to || (same_origin(*to, from) && valid_target(to->target)));
  std::size_t colon = bytes.find(':');
  if (colon != bytes.npos && valid_field(bytes.substr(0, colon), bytes.substr(colon + 1))) {
    FUZZ_EXPECT(bytes.find('\n') == bytes.npos && bytes.find('\r') == bytes.npos);
  }
  return 0;
}
