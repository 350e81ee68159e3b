// Any bytes as a config file: either diagnostics, or a config whose routes can be listed, explained and
// called.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/config.h"
#include "daemon/explain.h"
#include "daemon/router.h"
#include "expect.h"
#include "json/validate.h"

namespace {

using namespace linegate;

void expect_json(const std::string& text) {
  FUZZ_EXPECT(!json::validate(text, 1000));
}

// Every parameter as one odd text, by name.
void call(const daemon::Router& router, const daemon::Route& route, wire::Dialect dialect,
          const std::string& value) {
  wire::Call call;
  call.to.dialect = dialect;
  call.method = route.name();
  for (const auto& parameter : route.config().params) call.arguments.push_back({parameter.name, value});
  auto result = router.request(call);
  auto* request = std::get_if<daemon::OutboundRequest>(&result);
  if (!request) return;
  FUZZ_EXPECT(request->url.bytes.find_first_of(std::string_view(" \r\n\0", 4)) == std::string::npos);
  if (route.config().json) expect_json(request->body.bytes);
  if (route.config().json) expect_json(request->body.masked());
}

void use(const daemon::Router& router) {
  expect_json(router.help_json());
  expect_json(router.routes_json());
  expect_json(router.discover_json());
  for (const daemon::Route& route : router.routes()) {
    call(router, route, wire::Dialect::text, "a/b?c d\"\\\r\n");
    call(router, route, wire::Dialect::text, "7");
    call(router, route, wire::Dialect::jsonrpc, "\"\\u0000\"");
    call(router, route, wire::Dialect::jsonrpc, "true");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  auto loaded = daemon::parse_config(text, "fuzz.toml", {});
  bool failed = false;
  for (const auto& diagnostic : loaded.diagnostics) {
    failed = failed || diagnostic.severity == daemon::Diagnostic::Severity::error;
    FUZZ_EXPECT(diagnostic.text().find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  FUZZ_EXPECT(failed == !loaded.config);
  if (loaded.config) use(daemon::Router(loaded.config));
  return 0;
}
