#include "daemon/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <fstream>
#include <sstream>

#include "daemon/config_text.h"

namespace linegate::daemon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> server(const std::string& keys) {
  return diagnose("[server]\n" + keys);
}
std::vector<std::string> upstream(const std::string& keys) {
  return diagnose(with_upstream(keys));
}
std::vector<std::string> route(const std::string& keys) {
  return diagnose(with_route(keys));
}

// The project's full example.
std::string example() {
  return LINEGATE_TEST_DATA "/linegate.toml";
}

// ---- the whole file

TEST(LinegateToml, PassesWithOneWarningForEachKeyThatIsNotBuilt) {
  setenv("WEATHER_KEY", "a-weather-key", 1);
  setenv("LINEGATE_TOKEN_OPS", "a-token", 1);
  std::string path = example();
  LoadedConfig loaded = load_config(path, kNewLibcurl);
  ASSERT_TRUE(loaded.config);
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : loaded.diagnostics)
    lines.push_back(diagnostic.text().substr(path.size()));
  std::string ending = ": accepted, not in effect";
  EXPECT_THAT(lines, ElementsAre(":31:9: warning: server.tls" + ending, ":41:2: warning: admin" + ending,
                                 ":44:9: warning: client.ops" + ending));
}

TEST(LinegateToml, IsReadInFull) {
  setenv("WEATHER_KEY", "a-weather-key", 1);
  setenv("LINEGATE_TOKEN_OPS", "a-token", 1);
  auto config = load_config(example(), kNewLibcurl).config;
  ASSERT_TRUE(config);
  EXPECT_EQ(config->server.listen.at(0).text, "127.0.0.1:15555");
  EXPECT_EQ(config->server.tls->cert, "/etc/linegate/tls.crt");
  EXPECT_EQ(config->admin->listen.port, 19901);
  EXPECT_EQ(config->clients.at(0).token, "a-token");
  EXPECT_EQ(config->clients.at(0).rate->burst, 100u);
  const UpstreamConfig& weather = config->upstreams.at(0);
  EXPECT_EQ(weather.base_url.prefix, "https://api.weather.example/v1");
  EXPECT_EQ(weather.policy.timeout.total, 5s);
  EXPECT_EQ(weather.policy.timeout.first_byte, 4s);
  EXPECT_EQ(weather.policy.timeout.connect, 1s);
  ASSERT_EQ(config->routes.size(), 3u);
  EXPECT_EQ(config->routes[0].name, "weather");
  EXPECT_EQ(config->routes[0].policy.cache.mode, CacheMode::override_ttl);
  EXPECT_EQ(config->routes[0].policy.cache.ttl, 60s);
  EXPECT_EQ(config->routes[0].policy.timeout.total, 5s);
  EXPECT_EQ(config->routes[1].hedge->budget, 0.05);
  EXPECT_EQ(config->routes[2].idempotency_key, "Idempotency-Key");
  EXPECT_EQ(config->secrets.mask("a-weather-key or a-token"), "*** or ***");
}

TEST(LinegateToml, NamesTheBuiltInDefaults) {
  setenv("WEATHER_KEY", "a-weather-key", 1);
  setenv("LINEGATE_TOKEN_OPS", "a-token", 1);
  auto written = load_config(example(), kNewLibcurl).config;
  auto implied = config_of(with_upstream(""));
  ASSERT_TRUE(written);
  auto of_server = [](const ServerConfig& s) {
    std::ostringstream out;
    out << s.listen.at(0).text << s.allow_unauthenticated << s.expose << s.workers << ' ' << s.backlog << ' '
        << s.unix_mode << ' ' << s.max_connections << ' ' << s.max_connections_per_ip << ' '
        << s.max_in_flight << ' ' << s.max_line << ' ' << s.max_reply << ' ' << s.max_batch << ' '
        << s.max_unsent << ' ' << s.max_buffered << ' ' << s.max_protocol_errors << ' '
        << s.idle_timeout.count() << ' ' << s.partial_line_timeout.count() << ' ' << s.write_timeout.count()
        << ' ' << s.drain_timeout.count() << s.watch_config;
    return out.str();
  };
  auto of_policy = [](const PolicyConfig& p) {
    std::ostringstream out;
    out << p.coalesce << p.timeout.queue.count() << ' ' << p.timeout.connect.count() << ' '
        << p.timeout.first_byte.count() << ' ' << p.timeout.total.count() << ' ' << p.retry.attempts
        << p.retry.on_connect << p.retry.on_reset << p.retry.on_timeout << ' ' << p.retry.backoff_base.count()
        << ' ' << p.retry.backoff_max.count() << ' ' << p.retry.budget_ratio << ' '
        << p.retry.budget_min_per_second << ' ' << p.retry.gate_max.count() << ' ' << p.breaker.consecutive
        << ' ' << p.breaker.window.count() << ' ' << p.breaker.min_requests << ' ' << p.breaker.failure_ratio
        << ' ' << p.breaker.open_for.count() << ' ' << p.breaker.half_open << ' '
        << static_cast<int>(p.cache.mode) << ' ' << p.cache.ttl.count() << ' ' << p.cache.max_object << ' '
        << p.cache.stale_while_revalidate.count() << ' ' << p.cache.stale_if_error.count() << ' '
        << p.cache.max_stale.count() << ' ' << p.cache.negative.size() << p.cache.fresh
        << p.cache.fresh_min_age.count();
    for (int status : p.retry.on_status) out << ' ' << status;
    return out.str();
  };
  auto of_upstream = [](const UpstreamConfig& u) {
    std::ostringstream out;
    out << static_cast<int>(u.http) << u.http2_force << ' ' << u.max_in_flight << ' ' << u.max_queue << ' '
        << u.max_body << ' ' << u.max_idle.count() << ' ' << u.dns_refresh.count() << u.gzip << u.proxy
        << static_cast<int>(u.quota) << u.redirects.max << u.redirects.same_host << u.tls.ca_file
        << u.tls.client_cert << u.tls.client_key << u.tls.verify;
    return out.str();
  };
  EXPECT_EQ(of_server(written->server), of_server(implied->server));
  EXPECT_EQ(of_policy(written->defaults), of_policy(implied->defaults));
  EXPECT_EQ(of_upstream(written->upstreams.at(0)), of_upstream(implied->upstreams.at(0)));
  EXPECT_EQ(written->cache_max_bytes, implied->cache_max_bytes);
}

TEST(Config, IsRefusedIfTheFileIsMissing) {
  LoadedConfig loaded = load_config("/no/such.toml");
  EXPECT_FALSE(loaded.config);
  EXPECT_EQ(loaded.diagnostics.at(0).text(), "/no/such.toml: cannot be read: No such file or directory");
  EXPECT_EQ(load_config("/tmp").diagnostics.at(0).text(), "/tmp: is empty or cannot be read");
}

TEST(Config, NamesTheLineOfASyntaxError) {
  auto lines = diagnose("[server]\nbacklog = = 1\n");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], testing::StartsWith("f:2:11: not TOML: "));
}

TEST(Config, SurvivesWhatTheTomlLibraryAssertsAgainst) {
  auto lines = diagnose("[,]\n");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], testing::StartsWith("f:1:2: not TOML: "));
}

TEST(Config, HasCharactersOutsideAsciiInQuotesAndCommentsOnly) {
  EXPECT_THAT(diagnose("# \xc3\xa9\n[log] # \xc3\xa9\nlevel = 'info'"), IsEmpty());
  EXPECT_EQ(config_of(with_route("path = \"/\"\nhelp = \"\"\"\"S\xc3\xa3o\"\" \\\n a\"\"\""))->routes[0].help,
            "\"S\xc3\xa3o\"\" a");
  std::string sentence = "a character outside ASCII cannot stand here unquoted";
  EXPECT_THAT(diagnose("\xc3\xa9 = 1"), ElementsAre("f:1:1: " + sentence));
  EXPECT_THAT(diagnose("schema = 1\n[log]\nlevel = \"\xc3\xa9\"\xc2\xa0"),
              ElementsAre("f:3:12: " + sentence));
  EXPECT_THAT(diagnose("a = '''\\''' \xc3\xa9"), ElementsAre("f:1:13: " + sentence));
  EXPECT_THAT(diagnose("a = 1'\xc9\x9e'"),
              ElementsAre("f:1:7: " + sentence));  // no string begins within a number
  EXPECT_THAT(diagnose("a = \"\"\"b\\\n \xc2\xa7\"\"\""), ElementsAre("f:2:2: " + sentence));
}

TEST(Config, MustBeUtf8) {
  EXPECT_THAT(diagnose("# \xc3\xa9\n# \xff"), ElementsAre("f:2:3: not UTF-8"));
}

TEST(Config, CollectsAllErrorsInFileOrder) {
  EXPECT_THAT(diagnose("[route.r]\nupstream = \"x\"\n[server]\nbacklog = 0\nworkerz = 1\n"),
              ElementsAre("f:1:1: [route.r] needs path", "f:2:12: unknown upstream \"x\"",
                          "f:4:11: backlog must be between 1 and 65535",
                          "f:5:1: unknown key \"workerz\"; did you mean \"workers\"?"));
}

TEST(Config, SuggestsForUnknownTables) {
  EXPECT_THAT(diagnose("[sever]\n"), ElementsAre("f:1:2: unknown key \"sever\"; did you mean \"server\"?"));
  EXPECT_THAT(diagnose("[route]\nx = 1\n"), ElementsAre("f:2:5: [route.x] must be a table"));
  EXPECT_THAT(diagnose("server = 1\n"), ElementsAre("f:1:10: [server] must be a table"));
}

TEST(Config, KnowsSchemaOneOnly) {
  EXPECT_THAT(diagnose("schema = 1"), IsEmpty());
  EXPECT_THAT(diagnose("schema = 2"), ElementsAre("f:1:10: schema must be between 1 and 1"));
}

TEST(Config, SurvivesDeepNesting) {
  std::string deep = "a";
  for (int i = 0; i < 200; ++i) deep += ".a";
  EXPECT_FALSE(parse_config(deep + " = 1", "f").config);
}

// ---- values

TEST(ConfigValues, HaveTheirTypes) {
  EXPECT_THAT(server("backlog = \"1\""), ElementsAre("f:2:11: backlog must be a whole number"));
  EXPECT_THAT(server("expose = 1"), ElementsAre("f:2:10: expose must be true or false"));
  EXPECT_THAT(server("allow_from = \"x\""), ElementsAre("f:2:14: allow_from must be an array of strings"));
  EXPECT_THAT(diagnose("[log]\nlevel = 1"),
              ElementsAre("f:2:9: level must be \"trace\", \"debug\", \"info\", \"warn\" or \"error\""));
  EXPECT_THAT(diagnose("[log]\nformat = \"jsn\""),
              ElementsAre("f:2:10: format must be \"text\" or \"json\"; did you mean \"json\"?"));
}

TEST(ConfigValues, OfSizesHaveUnitsAndLimits) {
  EXPECT_EQ(config_of("[server]\nmax_line = \"64B\"")->server.max_line, 64u);
  EXPECT_THAT(server("max_line = 65536"),
              ElementsAre("f:2:12: max_line must be a size with a unit, such as \"64KiB\""));
  EXPECT_THAT(server("max_line = \"64 KiB\""),
              ElementsAre("f:2:12: max_line must be a size with a unit, such as \"64KiB\""));
  EXPECT_THAT(server("max_line = \"63B\""), ElementsAre("f:2:12: max_line must be between 64 B and 1 GiB"));
}

TEST(ConfigValues, OfDurationsHaveUnitsAndLimits) {
  EXPECT_EQ(config_of("[defaults.timeout]\nqueue = \"0s\"")->defaults.timeout.queue, 0s);
  EXPECT_THAT(server("idle_timeout = 600"),
              ElementsAre("f:2:16: idle_timeout must be a duration with a unit, such as \"250ms\""));
  EXPECT_THAT(diagnose("[defaults.timeout]\ntotal = \"0s\""),
              ElementsAre("f:2:9: total must be between 1 ms and 3600 s"));
  EXPECT_THAT(upstream("max_idle = \"1500ms\""), ElementsAre("f:3:12: max_idle must be whole seconds"));
  EXPECT_THAT(upstream("max_idle = \"500ms\""),
              ElementsAre("f:3:12: max_idle must be between 1 s and 31622400 s"));
}

TEST(ConfigValues, OfUnixModeAreOctalText) {
  EXPECT_EQ(config_of("[server]\nunix_mode = \"0600\"")->server.unix_mode, 0600u);
  for (const char* bad : {"0o660", "\"0888\"", "\"rw\"", "\"7777\""}) {
    EXPECT_THAT(server("unix_mode = " + std::string(bad)),
                ElementsAre("f:2:13: unix_mode must be an octal mode in quotes, such as \"0660\""));
  }
}

// ---- listening

TEST(Listen, TakesAllForms) {
  auto config = config_of(
      "[server]\nlisten = [\"localhost:0\", \"[::1]:1\", \"127.9.9.9:65535\", \"unix:/run/x.sock\"]");
  EXPECT_EQ(config->server.listen[0].host, "localhost");
  EXPECT_EQ(config->server.listen[1].host, "::1");
  EXPECT_EQ(config->server.listen[1].port, 1);
  EXPECT_EQ(config->server.listen[2].port, 65535);
  EXPECT_EQ(config->server.listen[3].path, "/run/x.sock");
}

TEST(Listen, RefusesOtherForms) {
  for (std::string bad : {"", "localhost", "1.2.3.4", "::1:80", "[::1]", "[::g]:80", "h:65536", "h:-1",
                          "h:", "unix:x", "unix:", "a b:1", "[1.2.3.4]:80"}) {
    EXPECT_THAT(
        server("listen = [\"" + bad + "\"]"),
        ElementsAre(
            "f:2:11: \"" + bad +
            "\" is no listen address; write \"host:port\", \"[::1]:port\", \":port\" or \"unix:/path\""));
  }
  EXPECT_THAT(server("listen = []"), ElementsAre("f:2:10: listen must have at least one address"));
}

std::string open_listen(const std::string& address) {
  return "f:2:11: listen \"" + address +
         "\" can be reached from other machines, and anybody there could use the routes: set allow_from, or "
         "allow_unauthenticated = true";
}

TEST(Listen, OffLoopbackNeedsAProtection) {
  for (std::string open : {":80", "0.0.0.0:80", "[::]:80", "10.0.0.1:80", "example.org:80"}) {
    EXPECT_THAT(server("listen = [\"" + open + "\"]"), ElementsAre(open_listen(open)));
    EXPECT_THAT(server("listen = [\"" + open + "\"]\nallow_from = [\"10.0.0.0/8\"]"), IsEmpty());
    EXPECT_THAT(server("listen = [\"" + open + "\"]\nallow_unauthenticated = true"), IsEmpty());
  }
}

TEST(Listen, OffLoopbackIsNotProtectedByClientsThatAreNotInEffect) {
  EXPECT_THAT(server("listen = [\":80\"]\n[client.a]\ntoken = \"abcdef\""),
              ElementsAre(open_listen(":80") + "; [client] is not in effect yet and protects nothing",
                          "f:3:9: warning: client.a: accepted, not in effect"));
}

TEST(AllowFrom, TakesRangesAndRefusesOtherText) {
  EXPECT_THAT(server("allow_from = [\"10.0.0.0/8\", \"fd00::/8\", \"127.0.0.1\", \"0.0.0.0/0\"]"), IsEmpty());
  EXPECT_THAT(
      server("allow_from = [\"10.0.0.0/33\", \"ten\"]"),
      ElementsAre("f:2:15: \"10.0.0.0/33\" is no address range; write it like \"10.0.0.0/8\" or \"fd00::/8\"",
                  "f:2:30: \"ten\" is no address range; write it like \"10.0.0.0/8\" or \"fd00::/8\""));
}

// ---- upstreams

BaseUrl base_url(std::string_view text) {
  std::vector<std::string> secrets;
  return parse_base_url(text, secrets);
}

TEST(BaseUrl, IsTakenApart) {
  BaseUrl url = base_url("HTTPS://API.example:8443/v1/");
  EXPECT_TRUE(url.https);
  EXPECT_EQ(url.host, "api.example");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.prefix, "https://api.example:8443/v1");
  EXPECT_EQ(base_url("http://h").prefix, "http://h");
  EXPECT_EQ(base_url("http://h:80/").prefix, "http://h");
  EXPECT_EQ(base_url("http://[::1]:81/a b").prefix, "http://[::1]:81/a%20b");
}

TEST(BaseUrl, RefusesWhatIsNoPlaceOfAnApi) {
  EXPECT_EQ(base_url("ftp://h").error, "must begin with \"https://\" or \"http://\"");
  EXPECT_EQ(base_url("h/v1").error, "must begin with \"https://\" or \"http://\"");
  for (const char* bad : {"http://", "http:///x", "http://a b", "http://h:x", "http://h:70000",
                          "http://\xc3\xa9.example", "http://[::g]", "http://::1"}) {
    EXPECT_EQ(base_url(bad).error, "needs a host, in ASCII, and after \":\" a port") << bad;
  }
  EXPECT_EQ(base_url("http://h:0").error, "needs a port between 1 and 65535");
  EXPECT_EQ(base_url("http://h/?a=b").error, "cannot have a query or a fragment");
  EXPECT_EQ(base_url("http://h?a").error, "cannot have a query or a fragment");
  EXPECT_EQ(base_url("http://h/#a").error, "cannot have a query or a fragment");
  EXPECT_EQ(base_url("http://h/{a}").error, "cannot have a template in its path");
  EXPECT_EQ(base_url("http://h/../a").error, "cannot be used: a path cannot have a piece \".\" or \"..\"");
}

TEST(BaseUrl, HasSecretsInItsUserInfoOnly) {
  setenv("LINEGATE_TEST_PASSWORD", "a/b@c", 1);
  std::vector<std::string> secrets;
  BaseUrl url = parse_base_url("https://u:${env:LINEGATE_TEST_PASSWORD}@h/x", secrets);
  EXPECT_EQ(url.error, "");
  EXPECT_EQ(url.authorization.bytes, "Basic " + base64("u:a/b@c"));
  EXPECT_EQ(url.authorization.masked(), "Basic ***");
  EXPECT_THAT(secrets, testing::Contains("a/b@c"));
  EXPECT_EQ(base_url("https://${env:LINEGATE_TEST_PASSWORD}/x").error,
            "can have a secret in its user-info only");
  EXPECT_EQ(base_url("https://u:${env:LINEGATE_TEST_NOT_SET}@h/x").error,
            "cannot be used: \"${env:LINEGATE_TEST_NOT_SET}\" is not set in the environment");
}

TEST(Upstream, NeedsABaseUrl) {
  EXPECT_THAT(diagnose("[upstream.a]\n"), ElementsAre("f:1:1: [upstream.a] needs base_url"));
  EXPECT_THAT(diagnose("[upstream.a]\nbase_url = \"h\"\n"),
              ElementsAre("f:2:12: base_url must begin with \"https://\" or \"http://\""));
}

TEST(Upstream, RefusesHttp2BelowLibcurl810UnlessForced) {
  LoadOptions old{0x075801};
  std::string http2 = with_upstream("http = \"2\"\n");
  EXPECT_THAT(
      diagnose(http2, old),
      ElementsAre(
          "f:3:8: http = \"2\" needs libcurl 8.10 or later, because older ones report cut-off answers as "
          "whole; this is 7.88.1; http2_force = true overrides"));
  EXPECT_THAT(diagnose(http2 + "http2_force = true", old), IsEmpty());
  EXPECT_THAT(diagnose(http2, LoadOptions{0x080a00}), IsEmpty());
  EXPECT_THAT(diagnose("[upstream.a]\nbase_url = \"http://h\"\nhttp = \"2\""),
              ElementsAre("f:3:8: http = \"2\" needs an https:// base_url"));
}

TEST(Upstream, RefusesParametersInItsTemplates) {
  EXPECT_THAT(upstream("headers = { A = \"{x}\" }"),
              ElementsAre("f:3:17: \"{x}\" is not a parameter (none can stand here)"));
  EXPECT_THAT(upstream("query = { a = \"{x}\" }"),
              ElementsAre("f:3:15: \"{x}\" is not a parameter (none can stand here)"));
}

TEST(Upstream, RefusesAuthorizationFromTwoPlaces) {
  EXPECT_THAT(diagnose("[upstream.a]\nbase_url = \"https://u:p@h\"\nheaders = { authorization = \"x\" }"),
              testing::Contains("f:3:11: Authorization stands here and in base_url's user-info"));
}

TEST(Upstream, NeedsFilesThatCanBeRead) {
  EXPECT_THAT(upstream("tls = { ca_file = \"/no/such\" }"),
              ElementsAre("f:3:19: ca_file \"/no/such\" cannot be read"));
  EXPECT_THAT(upstream("tls = { client_key = \"/etc/passwd\" }"),
              ElementsAre("f:3:7: client_key needs client_cert"));
  EXPECT_THAT(upstream("tls = { verify = false }"),
              ElementsAre("f:3:18: warning: verify = false: anybody on the way can pose as this upstream"));
}

TEST(Upstream, ChecksItsProxy) {
  EXPECT_THAT(upstream("proxy = \"http://10.0.0.1:3128\""), IsEmpty());
  EXPECT_THAT(upstream("proxy = \"http://u:${env:HOME}@10.0.0.1:3128\""),
              ElementsAre("f:3:9: proxy cannot refer to a secret"));
  EXPECT_THAT(
      upstream("proxy = \"10.0.0.1:3128\""),
      ElementsAre(
          "f:3:9: proxy must be empty or a URL that begins with http://, https://, socks5:// or socks5h://"));
}

TEST(Upstream, ChecksItsName) {
  EXPECT_THAT(diagnose("[upstream.\"a b\"]\nbase_url = \"http://h\""),
              ElementsAre("f:1:11: \"a b\" is no name for an upstream"));
}

TEST(Rate, NeedsPerSecondAndHasABurst) {
  EXPECT_THAT(upstream("rate = { burst = 1 }"), testing::Contains("f:3:8: rate needs per_second"));
  EXPECT_EQ(config_of(with_upstream("rate = { per_second = 0.5 }"))->upstreams[0].rate->burst, 1u);
  EXPECT_EQ(config_of(with_upstream("rate = { per_second = 7.2 }"))->upstreams[0].rate->burst, 8u);
}

// ---- cascade

TEST(Cascade, GoesKeyByKeyFromDefaultsToUpstreamToRoute) {
  auto config = config_of(R"([route.r]
upstream = "a"
path = "/"
timeout = { total = "9s" }
retry = { backoff = { max = "3s" } }
[upstream.a]
base_url = "http://h"
timeout = { total = "8s", connect = "7s" }
retry = { attempts = 5 }
[upstream.b]
base_url = "http://h"
[defaults.timeout]
queue = "1s"
connect = "2s"
)");
  const TimeoutConfig& timeout = config->routes[0].policy.timeout;
  EXPECT_EQ(timeout.queue, 1s);
  EXPECT_EQ(timeout.connect, 7s);
  EXPECT_EQ(timeout.first_byte, 2s);
  EXPECT_EQ(timeout.total, 9s);
  EXPECT_EQ(config->routes[0].policy.retry.attempts, 5u);
  EXPECT_EQ(config->routes[0].policy.retry.backoff_base, 50ms);
  EXPECT_EQ(config->routes[0].policy.retry.backoff_max, 3s);
  EXPECT_EQ(config->upstreams[1].policy.timeout.connect, 2s);
  EXPECT_EQ(config->upstreams[1].policy.retry.attempts, 2u);
}

TEST(Policy, ReadsWhatRetryIsFor) {
  auto retry = config_of("[defaults.retry]\non = [\"reset\", \"503\"]")->defaults.retry;
  EXPECT_TRUE(retry.on_reset);
  EXPECT_FALSE(retry.on_connect);
  EXPECT_FALSE(retry.on_timeout);
  EXPECT_THAT(retry.on_status, ElementsAre(503));
  EXPECT_THAT(
      diagnose("[defaults.retry]\non = [\"200\"]"),
      testing::Contains(
          "f:2:7: on must hold \"connect\", \"reset\", \"timeout\" or a status from \"400\" to \"599\""));
}

TEST(Policy, ReadsCacheKeysOfSeveralForms) {
  auto cache = config_of("[defaults.cache]\nnegative = { \"404\" = \"5s\" }\nfresh = \"1s\"")->defaults.cache;
  EXPECT_EQ(cache.negative.at(404), 5s);
  EXPECT_TRUE(cache.fresh);
  EXPECT_EQ(cache.fresh_min_age, 1s);
  EXPECT_FALSE(config_of("[defaults.cache]\nfresh = false")->defaults.cache.fresh);
  EXPECT_THAT(diagnose("[defaults.cache]\nnegative = { ok = \"5s\" }\nfresh = 1"),
              ElementsAre("f:2:14: negative must be keyed by a status from \"300\" to \"599\"",
                          "f:3:9: fresh must be true, false or a duration such as \"1s\""));
}

// ---- routes

TEST(RouteConfig, NeedsUpstreamAndPath) {
  EXPECT_THAT(diagnose(with_upstream("[route.r]\n")),
              ElementsAre("f:3:1: [route.r] needs upstream", "f:3:1: [route.r] needs path"));
  EXPECT_THAT(diagnose(with_upstream("[route.r]\nupstream = \"apy\"\npath = \"/\"")),
              ElementsAre("f:4:12: unknown upstream \"apy\"; did you mean \"api\"?"));
  EXPECT_THAT(route("path = \"x\""), ElementsAre("f:5:8: path must begin with \"/\""));
}

TEST(RouteConfig, ChecksItsName) {
  auto named = [](const std::string& name) {
    return diagnose(with_upstream("[route." + name + "]\nupstream = \"api\"\npath = \"/\""));
  };
  EXPECT_THAT(named("a.b_c-9"), testing::Not(IsEmpty()));  // a dot in a bare key is a table
  EXPECT_THAT(named("\"a.b_c-9\""), IsEmpty());
  EXPECT_THAT(named("\"a" + std::string(63, 'x') + '"'), IsEmpty());
  for (std::string bad : {"A", "9a", "-a", "a b"}) {
    EXPECT_THAT(named('"' + bad + '"'),
                ElementsAre("f:3:8: \"" + bad +
                            "\" is no route name: a lower-case letter, then at most 63 of a-z 0-9 _ . -"));
  }
  EXPECT_EQ(named("\"a" + std::string(64, 'x') + '"').size(), 1u);
  EXPECT_THAT(named("ping"), ElementsAre("f:3:8: \"ping\" is a built-in word and cannot be a route"));
  EXPECT_THAT(named("watch"), ElementsAre("f:3:8: \"watch\" is a built-in word and cannot be a route"));
  EXPECT_THAT(named("\"rpc.x\""),
              ElementsAre("f:3:8: \"rpc.x\" cannot be a route: names that begin with rpc. are built in"));
}

TEST(RouteConfig, KnowsMethods) {
  EXPECT_THAT(route("path = \"/\"\nmethod = \"PATCH\""), IsEmpty());
  EXPECT_THAT(route("path = \"/\"\nmethod = \"GETT\""),
              ElementsAre("f:6:10: method must be \"GET\", \"HEAD\", \"POST\", \"PUT\", \"PATCH\", "
                          "\"DELETE\" or \"OPTIONS\"; "
                          "did you mean \"GET\"?"));
}

TEST(RouteConfig, RefusesABodyWhereThereIsNone) {
  EXPECT_THAT(route("path = \"/\"\njson = {}"), ElementsAre("f:6:8: a GET has no body"));
  EXPECT_THAT(route("path = \"/\"\nmethod = \"POST\"\njson = {}\nform = {}"),
              ElementsAre("f:8:8: a route has json or form, not both"));
  EXPECT_THAT(route("path = \"/\"\nmethod = \"POST\"\njson = \"x\""),
              ElementsAre("f:7:8: json must be a table or an array"));
  EXPECT_THAT(route("path = \"/\"\nmethod = \"POST\"\njson = { t = 07:32:00, n = nan }"),
              ElementsAre("f:7:14: JSON cannot hold this; put it in quotes",
                          "f:7:28: JSON cannot hold this; put it in quotes"));
}

TEST(RouteConfig, RefusesFramingHeaders) {
  for (std::string name :
       {"Host", "content-length", "Transfer-Encoding", "CONNECTION", "Upgrade", "TE", "Expect"}) {
    std::string sentence =
        "header \"" + name + "\" cannot be set: it frames the request or belongs to the connection";
    EXPECT_THAT(route("path = \"/\"\nheaders = { " + name + " = \"x\" }"),
                ElementsAre("f:6:13: " + sentence));
    EXPECT_THAT(upstream("headers = { " + name + " = \"x\" }"), ElementsAre("f:3:13: " + sentence));
  }
}

TEST(RouteConfig, ChecksHeaders) {
  EXPECT_THAT(route("path = \"/\"\nheaders = { \"a b\" = \"x\" }"),
              ElementsAre("f:6:13: \"a b\" is no header name"));
  EXPECT_THAT(route("path = \"/\"\nheaders = { A = \"x\", a = \"y\" }"),
              ElementsAre("f:6:22: header \"a\" stands here twice"));
  EXPECT_THAT(route("path = \"/\"\nheaders = { A = 1 }"), ElementsAre("f:6:17: \"A\" must be a string"));
  EXPECT_THAT(route("path = \"/\"\nheaders = { A = \"a\\nb\" }"),
              ElementsAre("f:6:17: the value has CR, LF or NUL, which no header may have"));
  EXPECT_THAT(route("path = \"/\"\nreply_headers = [\"a:\"]"),
              ElementsAre("f:6:18: \"a:\" is no header name"));
}

TEST(RouteConfig, KnowsWhichParametersThereAre) {
  EXPECT_THAT(route("path = \"/{citi}\"\nparams = [{ name = \"city\", required = true }]"),
              ElementsAre("f:5:8: \"{citi}\" is not a parameter; did you mean \"city\"?",
                          "f:6:11: parameter \"city\" is not used in path, query, headers or body"));
}

TEST(RouteConfig, NeedsPathParametersToHaveAValue) {
  EXPECT_THAT(
      route("path = \"/{c}\"\nparams = [{ name = \"c\" }]"),
      ElementsAre("f:5:8: parameter \"c\" stands in the path, so it needs required = true or a default"));
  EXPECT_THAT(route("path = \"/{c}\"\nparams = [{ name = \"c\", default = \"x\" }]"), IsEmpty());
}

// One parameter `p` with these keys; they begin at column 25 of line 7.
std::vector<std::string> parameter(const std::string& keys) {
  return route("path = \"/\"\nquery = { p = \"{p}\" }\nparams = [{ name = \"p\", " + keys + " }]");
}

TEST(ParameterConfig, ChecksNames) {
  EXPECT_THAT(route("path = \"/\"\nparams = [{ help = \"x\" }]"),
              ElementsAre("f:6:11: a parameter needs a name"));
  EXPECT_THAT(route("path = \"/{a}\"\nparams = [{ name = \"a\", required = true }, { name = \"a\" }]"),
              ElementsAre("f:6:53: parameter \"a\" stands here twice"));
}

TEST(ParameterConfig, RefusesBadNames) {
  for (std::string bad : {"A", "9", "a-b", ""}) {
    auto lines = route("path = \"/\"\nparams = [{ name = \"" + bad + "\" }]");
    EXPECT_THAT(lines, testing::Contains(
                           "f:6:20: \"" + bad +
                           "\" is no parameter name: a lower-case letter, then at most 63 of a-z 0-9 _"));
  }
}

TEST(ParameterConfig, ChecksDefaultsAndEnumsByType) {
  EXPECT_THAT(parameter("type = \"int\", default = 5, enum = [1, 5]"), IsEmpty());
  EXPECT_THAT(parameter("type = \"number\", default = 1.5, min = 1"), IsEmpty());
  EXPECT_THAT(parameter("type = \"bool\", default = true"), IsEmpty());
  EXPECT_THAT(parameter("type = \"int\", default = \"5\""),
              ElementsAre("f:7:49: default of parameter \"p\" must be an int, its type"));
  EXPECT_THAT(parameter("default = 5"),
              ElementsAre("f:7:35: default of parameter \"p\" must be a string, its type"));
  EXPECT_THAT(parameter("enum = [\"a\", 1]"),
              ElementsAre("f:7:38: enum of parameter \"p\" must be a string, its type"));
  EXPECT_THAT(parameter("enum = []"), ElementsAre("f:7:32: enum must have at least one value"));
}

TEST(ParameterConfig, HoldsTheDefaultToTheLimits) {
  EXPECT_THAT(parameter("default = \"abc\", max_length = 2"),
              ElementsAre("f:7:35: default: parameter \"p\" is longer than 2 characters"));
  EXPECT_THAT(parameter("default = \"c\", enum = [\"a\", \"b\"]"),
              ElementsAre("f:7:35: default: parameter \"p\" must be \"a\" or \"b\""));
  EXPECT_THAT(parameter("type = \"int\", default = 9, max = 8"),
              ElementsAre("f:7:49: default: parameter \"p\" must be at most 8"));
}

TEST(ParameterConfig, RefusesLimitsThatContradict) {
  EXPECT_THAT(parameter("type = \"int\", min = 2, max = 1"),
              ElementsAre("f:7:45: min of parameter \"p\" is more than its max"));
  EXPECT_THAT(parameter("min = 2"),
              ElementsAre("f:7:31: min is for int and number; parameter \"p\" is neither"));
  EXPECT_THAT(parameter("type = \"int\", max_length = 2"),
              ElementsAre("f:7:52: max_length is for strings only"));
  EXPECT_THAT(parameter("required = true, default = \"x\""),
              ElementsAre("f:7:52: parameter \"p\" is required and cannot have a default"));
}

TEST(ClientConfig, NamesRoutesThatExist) {
  auto lines = diagnose(with_route(
      "path = \"/\"\n[client.a]\ntoken = \"abcdef\"\nroutes = [\"r\", \"*\", \"s\"]\n[client.b]\n"));
  EXPECT_THAT(lines, testing::Contains("f:8:21: unknown route \"s\"; did you mean \"*\" or \"r\"?"));
  EXPECT_THAT(lines, testing::Contains("f:9:1: [client.b] needs a token"));
}

// ---- secrets and warnings

TEST(ConfigSecrets, SentOverHttpWarn) {
  setenv("LINEGATE_TEST_SECRET", "s3cret", 1);
  std::string warning = "warning: a secret is sent over http://, where anybody on the way can read it";
  std::string keys =
      "headers = { A = \"${env:LINEGATE_TEST_SECRET}\" }\nquery = { a = \"${env:LINEGATE_TEST_SECRET}\" }\n"
      "[route.r]\nupstream = \"a\"\npath = \"/\"\nmethod = \"POST\"\njson = { a = "
      "\"${env:LINEGATE_TEST_SECRET}\" }";
  EXPECT_THAT(diagnose("[upstream.a]\nbase_url = \"http://u:p@127.0.0.1\"\n" + keys),
              testing::IsSupersetOf(
                  {"f:2:12: " + warning, "f:3:17: " + warning, "f:4:15: " + warning, "f:9:14: " + warning}));
  EXPECT_THAT(diagnose("[upstream.a]\nbase_url = \"https://h\"\n" + keys), IsEmpty());
}

TEST(ConfigSecrets, ThatAreNotThereAreErrors) {
  EXPECT_THAT(upstream("headers = { A = \"${env:LINEGATE_TEST_NOT_SET}\" }"),
              ElementsAre("f:3:17: \"${env:LINEGATE_TEST_NOT_SET}\" is not set in the environment"));
  EXPECT_THAT(upstream("query = { a = \"${file:/no/such}\" }"),
              ElementsAre("f:3:15: \"${file:/no/such}\" cannot be read"));
}

TEST(ConfigSecrets, ThatAreTooShortToBeMaskedWarn) {
  setenv("LINEGATE_TEST_SECRET", "abc", 1);
  EXPECT_THAT(
      upstream("headers = { A = \"${env:LINEGATE_TEST_SECRET}\" }"),
      ElementsAre("f: warning: a secret is shorter than 4 bytes: it cannot be masked in what an API echoes"));
}

TEST(NotInEffect, WarnsOnlyWhereSomethingIsAskedFor) {
  EXPECT_THAT(server("workers = 1\nwatch_config = false"), IsEmpty());
  EXPECT_THAT(server("workers = 2\nwatch_config = true"),
              ElementsAre("f:2:1: warning: server.workers: accepted, not in effect",
                          "f:3:1: warning: server.watch_config: accepted, not in effect"));
  EXPECT_THAT(upstream("quota = \"learn\"\nretry = { gate_max = \"1s\" }"), IsEmpty());
}

TEST(NotInEffect, WarnsOfWhatIsTheUpstreamsInARoute) {
  EXPECT_THAT(
      route("path = \"/x\"\nretry = { attempts = 3, gate_max = \"1s\", budget = { ratio = 0.1 } }"),
      ElementsAre("f:6:25: warning: route.r.retry.gate_max: accepted, not in effect (it is the upstream's)",
                  "f:6:42: warning: route.r.retry.budget: accepted, not in effect (it is the upstream's)"));
}

// ---- what is valid, but does less than it seems to say

TEST(Doubtful, IsWhatOnlySafeCallsCanHave) {
  std::string keys = "path = \"/x\"\nhedge = {}\ncoalesce = true\ncache = { stale_if_error = \"1s\" }\n";
  std::string ending = ": accepted, not in effect (its calls are not safe; see idempotent)";
  EXPECT_THAT(route(keys + "method = \"PUT\""), ElementsAre("f:6:1: warning: route.r.hedge" + ending,
                                                            "f:7:1: warning: route.r.coalesce" + ending,
                                                            "f:8:1: warning: route.r.cache" + ending));
  EXPECT_THAT(route(keys + "method = \"PUT\"\nidempotent = true"), IsEmpty());
  EXPECT_THAT(route(keys), IsEmpty());
  EXPECT_THAT(route("path = \"/x\"\nmethod = \"POST\"\ncache = { fresh = false }\ncoalesce = false"),
              IsEmpty());
  EXPECT_THAT(route("path = \"/x\"\nmethod = \"POST\"\ncache = { mode = \"off\" }"), IsEmpty());
}

TEST(Doubtful, AreRetriesOfWhatIsSentOnce) {
  std::string post = "path = \"/x\"\nmethod = \"POST\"\n";
  EXPECT_THAT(
      route(post + "retry = { attempts = 3 }"),
      ElementsAre("f:7:1: warning: route.r.retry: accepted, not in effect (a call is sent at most once; "
                  "see idempotent and idempotency_key)"));
  EXPECT_THAT(route(post + "retry = { attempts = 1 }"), IsEmpty());
  EXPECT_THAT(route(post + "retry = { attempts = 3 }\nidempotency_key = \"K\""), IsEmpty());
  EXPECT_THAT(route("path = \"/x\"\nmethod = \"DELETE\"\nretry = { attempts = 3 }"), IsEmpty());
}

TEST(Doubtful, IsAnIdempotencyKeyOfSafeCalls) {
  std::string ending =
      "warning: route.r.idempotency_key: these calls are safe without it, and with it neither cached nor "
      "shared";
  EXPECT_THAT(route("path = \"/x\"\nidempotency_key = \"K\""), ElementsAre("f:6:1: " + ending));
  EXPECT_THAT(route("path = \"/x\"\nidempotency_key = \"K\"\nmethod = \"POST\"\nidempotent = true"),
              ElementsAre("f:6:1: " + ending));
  EXPECT_THAT(route("path = \"/x\"\nidempotency_key = \"K\"\nmethod = \"POST\""), IsEmpty());
}

TEST(Doubtful, IsATtlThatTheModeDoesNotHeed) {
  EXPECT_THAT(route("path = \"/x\"\ncache = { ttl = \"1s\" }"),
              ElementsAre("f:6:11: warning: route.r.cache.ttl: accepted, not in effect (it is for mode = "
                          "\"override\")"));
  EXPECT_THAT(route("path = \"/x\"\ncache = { ttl = \"1s\", mode = \"override\" }"), IsEmpty());
}

TEST(Doubtful, IsTheModeOverrideThatKeepsNothing) {
  std::string warning = "warning: route.r.cache: mode \"override\" without a ttl: nothing is ever fresh";
  EXPECT_THAT(route("path = \"/x\"\ncache = { mode = \"override\" }"), ElementsAre("f:6:1: " + warning));
  EXPECT_THAT(diagnose(with_route("path = \"/x\"\n[defaults.cache]\nmode = \"override\"")),
              ElementsAre("f:3:8: " + warning));
  EXPECT_THAT(route("path = \"/x\"\ncache = { mode = \"override\", stale_if_error = \"1s\" }"), IsEmpty());
}

TEST(Doubtful, AreStaleWindowsBeyondTheirBound) {
  EXPECT_THAT(upstream("cache = { stale_if_error = \"2h\" }"),
              ElementsAre("f:3:11: warning: stale_if_error is 7200 s, of which max_stale allows 3600 s"));
  EXPECT_THAT(upstream("cache = { stale_if_error = \"1h\" }"), IsEmpty());
  EXPECT_THAT(upstream("cache = { stale_if_error = \"2h\", max_stale = \"2h\" }"), IsEmpty());
  EXPECT_THAT(
      diagnose("[defaults.cache]\nstale_while_revalidate = \"1m\"\n[upstream.a]\nbase_url = \"http://h\"\n"
               "cache = { max_stale = \"30s\" }"),
      ElementsAre("f:5:11: warning: stale_while_revalidate is 60 s, of which max_stale allows 30 s"));
}

TEST(Doubtful, IsAConditionThatTheCacheShouldSend) {
  std::string ending = "is the cache's to send: a 304 to this one is answered as an error";
  EXPECT_THAT(upstream("headers = { if-none-match = \"x\" }"),
              ElementsAre("f:3:13: warning: \"if-none-match\" " + ending));
  EXPECT_THAT(route("path = \"/x\"\nheaders = { If-Modified-Since = \"x\" }"),
              ElementsAre("f:6:13: warning: \"If-Modified-Since\" " + ending));
  EXPECT_THAT(route("path = \"/x\"\nheaders = { If-None-Match = \"x\" }\ncache = { mode = \"off\" }"),
              IsEmpty());
}

TEST(Doubtful, IsNotJudgedWhereThereAreErrors) {
  EXPECT_THAT(route("path = 1\ncache = { ttl = \"1s\" }"), ElementsAre("f:5:8: path must be a string"));
}

// ---- flags

std::vector<std::string> diagnose_flags(const ConfigFlags& flags) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : config_from_flags(flags).diagnostics)
    lines.push_back(diagnostic.text());
  return lines;
}

TEST(ConfigFromFlags, MakesRoutesOfPathTemplates) {
  ConfigFlags flags;
  flags.listen = {"127.0.0.1:0"};
  flags.upstream = "http://127.0.0.1:8080/v1";
  flags.routes = {"weather=/current/{city}?units={units}&lang=en", "plain=/x"};
  LoadedConfig loaded = config_from_flags(flags);
  ASSERT_TRUE(loaded.config) << loaded.diagnostics.at(0).text();
  Router router(loaded.config);
  EXPECT_EQ(router.find("weather")->usage(), "weather <city> <units>");
  EXPECT_EQ(sent(router, text_call("weather", {{"", "oslo"}, {"", "metric"}})).url.bytes,
            "http://127.0.0.1:8080/v1/current/oslo?units=metric&lang=en");
  EXPECT_EQ(sent(router, text_call("plain")).url.bytes, "http://127.0.0.1:8080/v1/x");
  EXPECT_EQ(loaded.config->server.listen.at(0).port, 0);
}

TEST(ConfigFromFlags, ListensOnTheDefaultAddressWithoutFlags) {
  EXPECT_EQ(config_from_flags({}).config->server.listen.at(0).text, "127.0.0.1:15555");
}

TEST(ConfigFromFlags, HoldsTheRulesOfAFile) {
  ConfigFlags flags;
  flags.upstream = "http://h";
  flags.routes = {"weather", "a=x", "ping=/", "b=/{", "c=/", "c=/"};
  EXPECT_THAT(diagnose_flags(flags),
              testing::UnorderedElementsAre(
                  "command line: --route \"weather\" must be NAME=PATH, such as weather=/current/{city}",
                  "command line: path must begin with \"/\"",
                  "command line: \"ping\" is a built-in word and cannot be a route",
                  "command line: \"{\" without \"}\"; write \"{{\" for a brace",
                  "command line: --route \"c\" is given twice"));
}

TEST(ConfigFromFlags, NeedsAnUpstreamForRoutes) {
  ConfigFlags flags;
  flags.routes = {"a=/"};
  EXPECT_THAT(diagnose_flags(flags), ElementsAre("command line: --route needs --upstream URL"));
}

TEST(ConfigFromFlags, RefusesAnOpenListenUnlessAllowed) {
  ConfigFlags flags;
  flags.listen = {":0"};
  EXPECT_FALSE(config_from_flags(flags).config);
  flags.allow_unauthenticated = true;
  EXPECT_TRUE(config_from_flags(flags).config);
}

}  // namespace
}  // namespace linegate::daemon
