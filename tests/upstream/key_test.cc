// The key of cache and flight: no two different requests share one.
#include "upstream/key.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace linegate {
namespace {

RequestKey key_of(std::uint64_t upstream, const Request& request) {
  RequestKey key;
  write_key(key, upstream, request, CacheMode::rfc9111);
  return key;
}

std::string bytes_of(const Request& request) {
  return key_of(1, request).bytes;
}

Request get(std::string target) {
  Request request;
  request.target = std::move(target);
  return request;
}

TEST(RequestKey, IsAnotherWhereAResponsesWordIsOverridden) {
  RequestKey one;
  RequestKey other;
  write_key(one, 1, Request{}, CacheMode::rfc9111);
  write_key(other, 1, Request{}, CacheMode::override_ttl);
  EXPECT_NE(one.bytes, other.bytes);
  EXPECT_EQ(one.resource(), other.resource());
  write_key(other, 1, Request{}, CacheMode::off);
  EXPECT_EQ(one.bytes, other.bytes);
}

TEST(RequestKey, IsTheSameForTheSameRequest) {
  EXPECT_EQ(bytes_of(get("/a")), bytes_of(get("/a")));
}

TEST(RequestKey, TellsUpstreamsApart) {
  EXPECT_NE(key_of(1, get("/a")).bytes, key_of(2, get("/a")).bytes);
  EXPECT_NE(key_of(1, get("/a")).bytes, key_of(std::uint64_t{1} << 56, get("/a")).bytes);
}

// A HEAD's empty body must not be the answer to a GET.
TEST(RequestKey, TellsMethodsApart) {
  Request head = get("/a");
  head.method = "HEAD";
  EXPECT_NE(bytes_of(head), bytes_of(get("/a")));
}

// A POST that reads: the question is in the body.
TEST(RequestKey, TellsBodiesApart) {
  Request one = get("/search");
  one.method = "POST";
  Request other = one;
  one.body = R"({"q":"a"})";
  other.body = R"({"q":"b"})";
  EXPECT_NE(bytes_of(one), bytes_of(other));
}

// Two clients with different tokens in a header never see each other's answers.
TEST(RequestKey, TellsFieldsApart) {
  Request one = get("/me"), other = get("/me");
  one.headers = {{"Authorization", "Bearer a"}};
  other.headers = {{"Authorization", "Bearer b"}};
  EXPECT_NE(bytes_of(one), bytes_of(other));
}

TEST(RequestKey, TellsFixedFieldsApartAndFromNone) {
  HeaderList first, second;
  Request none = get("/a"), one = get("/a"), other = get("/a");
  one.fixed = &first;
  other.fixed = &second;
  EXPECT_EQ((std::set{bytes_of(none), bytes_of(one), bytes_of(other)}).size(), 3u);
}

TEST(RequestKey, DoesNotLetOnePieceRunIntoTheNext) {
  Request one = get("/a"), other = get("/a");
  one.headers = {{"A", "B: C"}};
  other.headers = {{"A: B", "C"}};
  EXPECT_NE(bytes_of(one), bytes_of(other));
  one = get("/aGET"), other = get("/a");
  one.method = "", other.method = "GET";
  EXPECT_NE(bytes_of(one), bytes_of(other));
}

TEST(RequestKey, BeginsWithItsResource) {
  Request post = get("/a?b=c");
  post.method = "POST";
  post.body = "x";
  RequestKey key = key_of(7, post);
  EXPECT_EQ(key.resource(), key_of(7, get("/a?b=c")).resource());
  EXPECT_NE(key.resource(), key_of(7, get("/a")).resource());
  EXPECT_NE(key.resource(), key_of(8, get("/a?b=c")).resource());
  EXPECT_TRUE(key.bytes.starts_with(key.resource()));
}

TEST(RequestKey, IsWrittenOverTheOneBefore) {
  RequestKey key = key_of(7, get("/a/long/target"));
  write_key(key, 1, get("/b"), CacheMode::rfc9111);
  EXPECT_EQ(key.bytes, bytes_of(get("/b")));
  EXPECT_EQ(key.resource_size, key_of(1, get("/b")).resource_size);
}

// Requests of pieces that are likely to run into each other, against a comparison piece by piece.
TEST(RequestKey, OfDifferentRequestsDiffers) {
  std::mt19937_64 random(20240229);
  const std::string_view pieces[] = {"", "a", "aa", "\0", "\1", "\1\0\0\0\0\0\0\0a", "/", "GET"};
  auto piece = [&] { return std::string(pieces[random() % std::size(pieces)]); };
  using Parts = std::tuple<std::uint64_t, std::string, std::string, Fields, std::string>;
  std::map<std::string, Parts> seen;
  for (int i = 0; i < 50'000; ++i) {
    Request request;
    std::uint64_t upstream = random() % 3;
    request.method = piece();
    request.target = piece();
    for (std::uint64_t fields = random() % 3; fields > 0; --fields)
      request.headers.emplace_back(piece(), piece());
    request.body = piece();
    Parts parts{upstream, request.method, request.target, request.headers, request.body};
    auto [place, added] = seen.try_emplace(key_of(upstream, request).bytes, parts);
    ASSERT_EQ(place->second, parts);
  }
  EXPECT_GT(seen.size(), 10'000u);
}

TEST(Fingerprint, IsSixteenDigitsThatTellKeysApart) {
  std::string one = fingerprint(key_of(1, get("/a")));
  EXPECT_EQ(one.size(), 16u);
  EXPECT_EQ(one.find_first_not_of("0123456789abcdef"), one.npos);
  EXPECT_EQ(one, fingerprint(key_of(1, get("/a"))));
  EXPECT_NE(one, fingerprint(key_of(1, get("/b"))));
}

}  // namespace
}  // namespace linegate
