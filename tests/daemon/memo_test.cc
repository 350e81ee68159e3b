#include "daemon/memo.h"

#include <gtest/gtest.h>

#include <string>

#include "config_text.h"
#include "daemon/router.h"

namespace linegate::daemon {
namespace {

struct MemoTest : testing::Test {
  MemoTest() {
    auto loaded = parse_config(
        "schema = 1\n[upstream.api]\nbase_url = \"http://127.0.0.1:1\"\n"
        "[route.a]\nupstream = \"api\"\npath = \"/a\"\n",
        "test.toml");
    router = std::make_unique<Router>(loaded.config);
  }
  const Route& route() const { return *router->find("a"); }
  static RequestKey key(std::string bytes) {
    RequestKey made;
    made.bytes = std::move(bytes);
    return made;
  }

  std::unique_ptr<Router> router;
  Memo memo;
};

TEST_F(MemoTest, KnowsALineThatWasNoted) {
  EXPECT_EQ(memo.find("a x"), nullptr);
  memo.note("a x", route(), key("x"));
  ASSERT_NE(memo.find("a x"), nullptr);
  EXPECT_EQ(memo.find("a x")->key.bytes, "x");
  EXPECT_EQ(memo.find("a x")->route, &route());
  EXPECT_EQ(memo.find("a X"), nullptr);
  EXPECT_EQ(memo.find(""), nullptr);
}

TEST_F(MemoTest, KeepsNoLongLines) {
  std::string longest(Memo::kMaxLine, 'a');
  memo.note(longest, route(), key("x"));
  memo.note(longest + "a", route(), key("y"));
  EXPECT_NE(memo.find(longest), nullptr);
  EXPECT_EQ(memo.find(longest + "a"), nullptr);
}

TEST_F(MemoTest, TakesOneLineForNoOther) {
  for (std::size_t i = 0; i < 4 * Memo::kLines; ++i)
    memo.note(std::to_string(i), route(), key(std::to_string(i)));
  std::size_t known = 0;
  for (std::size_t i = 0; i < 4 * Memo::kLines; ++i) {
    const Memo::Known* found = memo.find(std::to_string(i));
    if (!found) continue;
    ++known;
    EXPECT_EQ(found->key.bytes, std::to_string(i));
  }
  EXPECT_LE(known, Memo::kLines);
  EXPECT_GT(known, Memo::kLines / 2);
}

}  // namespace
}  // namespace linegate::daemon
