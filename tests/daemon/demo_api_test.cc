// The demo's API over real HTTP, on the loop that also asks; and the loop closed clean behind it.
#include "daemon/demo_api.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "coro/task_group.h"
#include "http/session.h"

namespace linegate::daemon {
namespace {

class DemoApiTest : public testing::Test {
 protected:
  Response get(const std::string& path) { return loop.run(session.get(api->url() + path)); }
  Loop loop;
  std::unique_ptr<DemoApi> api = std::make_unique<DemoApi>(loop);
  Session session{loop};
};

TEST_F(DemoApiTest, ListensOnTheLoopbackOnly) {
  EXPECT_TRUE(api->url().starts_with("http://127.0.0.1:"));
  EXPECT_FALSE(api->url().ends_with(":0"));
}

TEST_F(DemoApiTest, AnswersAGet) {
  Response reply = get("/weather/S%C3%A3o%20Paulo?units=imperial");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"city":"São Paulo","temp_f":71.2})");
}

TEST_F(DemoApiTest, AnswersManyOneAfterAnother) {
  for (int i = 0; i < 50; ++i) ASSERT_EQ(get("/weather/oslo").body, R"({"city":"Oslo","temp_c":3.50})") << i;
}

TEST_F(DemoApiTest, AnswersAnError) {
  EXPECT_EQ(get("/failing").status, 500);
  EXPECT_EQ(get("/nowhere").status, 404);
}

TEST_F(DemoApiTest, TakesAPost) {
  Response reply = loop.run(session.post(api->url() + "/orders", json_body(R"({"item":"book"})")));
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, R"({"id":1,"order":{"item":"book"}})");
}

TEST_F(DemoApiTest, RefusesABodyThatIsTooLong) {
  Response reply =
      loop.run(session.post(api->url() + "/orders", json_body("\"" + std::string(300'000, 'x') + "\"")));
  EXPECT_EQ(reply.status, 413);
}

TEST_F(DemoApiTest, SendsWhatIsLarge) {
  Response reply = get("/large?kib=1024");
  EXPECT_EQ(reply.status, 200);
  EXPECT_GE(reply.body.size(), std::size_t{1} << 20);
}

TEST_F(DemoApiTest, ADelayedAnswerTakesItsTime) {
  Time before = Clock::now();
  EXPECT_EQ(get("/slow?ms=30").body, R"({"waited_ms":30})");
  EXPECT_GE(Clock::now() - before, 30ms);
}

Task<> fetch(Session& session, std::string url, std::vector<std::string>& order) {
  auto reply = co_await session.get(url);
  order.push_back(reply.body);
}

TEST_F(DemoApiTest, ADelayedAnswerDelaysNoOther) {
  std::vector<std::string> order;
  TaskGroup group(loop);
  group.spawn(fetch(session, api->url() + "/slow?ms=60", order));
  group.spawn(fetch(session, api->url() + "/slow?ms=20", order));
  group.spawn(fetch(session, api->url() + "/slow?ms=0", order));
  auto join = [](TaskGroup& all) -> Task<> { co_await all.join(); };
  loop.run(join(group));
  EXPECT_EQ(order,
            (std::vector<std::string>{R"({"waited_ms":0})", R"({"waited_ms":20})", R"({"waited_ms":60})"}));
}

TEST_F(DemoApiTest, MayGoWhileAnswersAreDelayed) {
  std::vector<std::string> order;
  TaskGroup group(loop);
  for (int i = 0; i < 3; ++i) group.spawn(fetch(session, api->url() + "/slow?ms=60000", order));
  get("/slow?ms=20");  // by then the others have been asked
  api.reset();
}

TEST_F(DemoApiTest, AClientMayGoWhileItsAnswerIsDelayed) {
  std::vector<std::string> order;
  {
    TaskGroup group(loop);
    group.spawn(fetch(session, api->url() + "/slow?ms=40", order));
    get("/slow?ms=20");
  }
  EXPECT_EQ(get("/slow?ms=60").status, 200);
  EXPECT_TRUE(order.empty());
}

}  // namespace
}  // namespace linegate::daemon
