// Any bytes as a URL, and as a Location seen from one: what is accepted can be sent, and is the same when
// read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "expect.h"
#include "http/url.h"

namespace {

using namespace linegate;

void check(const std::optional<Url>& url) {
  if (!url) return;
  FUZZ_EXPECT(valid_target(url->target));
  FUZZ_EXPECT(url->scheme == "http" || url->scheme == "https");
  FUZZ_EXPECT(url->port != 0 && !url->host.empty());
  auto again = parse_url(url->origin + url->target);
  FUZZ_EXPECT(again && again->origin == url->origin && again->target == url->target);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  check(parse_url(text));
  static const Url base = *parse_url("https://api.example:8443/v1/a/b?c=d");
  check(resolve_reference(base, text));
  std::string target(target_of(text));
  append_query(target, {{text, text}});
  for (char c : percent_encoded(text)) FUZZ_EXPECT(c > ' ' && c < 0x7f && c != '&' && c != '=' && c != '/');
  return 0;
}
