// URLs: encoding, splitting, joining.
#include "http/url.h"

#include <gtest/gtest.h>

namespace linegate {
namespace {

TEST(Url, EncodesEverythingButUnreservedBytes) {
  EXPECT_EQ(percent_encoded("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encoded(" /?#[]@!$&'()*+,;=%\""),
            "%20%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25%22");
  EXPECT_EQ(percent_encoded("é\n"), "%C3%A9%0A");
  EXPECT_EQ(percent_encoded(std::string_view("\0\xff", 2)), "%00%FF");
}

TEST(Url, WritesQueries) {
  EXPECT_EQ(query_string({}), "");
  EXPECT_EQ(query_string({{"a", "1"}, {"b c", ""}, {"a", "&="}}), "a=1&b%20c=&a=%26%3D");
}

TEST(Url, AppendsToAQueryThatIsThere) {
  std::string target = "/x";
  append_query(target, {});
  EXPECT_EQ(target, "/x");
  append_query(target, {{"a", "1"}});
  append_query(target, {{"b", "2"}});
  EXPECT_EQ(target, "/x?a=1&b=2");
}

TEST(Url, IsTakenApart) {
  auto url = parse_url("HTTPS://User:p%40w@API.Example:8443/v1/../x?q=1#frag");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "api.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->origin, "https://User:p%40w@api.example:8443");
  EXPECT_EQ(url->target, "/v1/../x?q=1");
}

TEST(Url, FillsInPortAndPath) {
  EXPECT_EQ(parse_url("http://h")->origin, "http://h:80");
  EXPECT_EQ(parse_url("https://h?x=1")->origin, "https://h:443");
  EXPECT_EQ(parse_url("http://h")->target, "/");
  EXPECT_EQ(parse_url("http://h?x=1")->target, "/?x=1");
}

TEST(Url, KeepsIpv6InBrackets) {
  auto url = parse_url("http://[2001:DB8::1]:8080/");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "[2001:db8::1]");
  EXPECT_EQ(url->origin, "http://[2001:db8::1]:8080");
}

TEST(Url, EncodesWhatARequestLineCannotHold) {
  EXPECT_EQ(parse_url("http://h/a b\"c|é?q=ü {x}")->target, "/a%20b%22c%7C%C3%A9?q=%C3%BC%20%7Bx%7D");
  EXPECT_EQ(parse_url("http://h/%2e%2E/%41?%zz")->target, "/%2e%2E/%41?%zz");
}

TEST(Url, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "h",
                           "h:80",
                           "/x",
                           "//h/x",
                           "http:/h",
                           "ftp://h/",
                           "file:///etc/passwd",
                           "http://",
                           "http:///x",
                           "http://h:0/",
                           "http://h:65536/",
                           "http://h:x/",
                           "http://a b/",
                           "http://h/\n",
                           "http://h/\x7f",
                           "http://[::1/",
                           "http://a%%341/",
                           "http://a&b/",
                           "javascript://h/"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(Url, ResolvesReferences) {
  Url base = *parse_url("https://u:p@h:8443/a/b?c=1");
  auto target = [&](const char* reference) { return resolve_reference(base, reference)->target; };
  EXPECT_EQ(target("/x?y=2"), "/x?y=2");
  EXPECT_EQ(target("x"), "/a/x");
  EXPECT_EQ(target("?q=3"), "/a/b?q=3");
  EXPECT_EQ(resolve_reference(base, "/x")->port, 8443);
  EXPECT_EQ(resolve_reference(base, "//other/x")->origin, "https://other:443");
  EXPECT_EQ(resolve_reference(base, "http://other:81")->origin, "http://other:81");
  EXPECT_FALSE(resolve_reference(base, "mailto:x@y"));
  EXPECT_FALSE(resolve_reference(base, "/a\r\nb"));
}

TEST(Url, FindsTheTargetOfAWholeUrl) {
  EXPECT_EQ(target_of("https://h:1/v1/x?y=/z"), "/v1/x?y=/z");
  EXPECT_EQ(target_of("https://h"), "/");
  EXPECT_EQ(target_of("nonsense"), "/");
}

}  // namespace
}  // namespace linegate
