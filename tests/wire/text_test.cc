// The text dialect's grammar, rule by rule.
#include "wire/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace linegate::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::string_literals;

Call call(std::string_view line) {
  Message message = parse_text(line);
  if (auto* refusal = std::get_if<Refusal>(&message)) ADD_FAILURE() << line << ": " << refusal->error.message;
  return std::holds_alternative<Call>(message) ? std::get<Call>(std::move(message)) : Call{};
}

Refusal refusal(std::string_view line) {
  Message message = parse_text(line);
  EXPECT_TRUE(std::holds_alternative<Refusal>(message)) << line;
  return std::holds_alternative<Refusal>(message) ? std::get<Refusal>(std::move(message)) : Refusal{};
}

Symbol refused(std::string_view line) {
  return refusal(line).error.symbol;
}

// "name=value", or "=value" by position.
std::vector<std::string> arguments(std::string_view line) {
  std::vector<std::string> all;
  for (const Argument& one : call(line).arguments) all.push_back(one.name + "=" + one.value);
  return all;
}

TEST(Text, ANameAlone) {
  Call one = call("ping");
  EXPECT_EQ(one.method, "ping");
  EXPECT_EQ(one.to.dialect, Dialect::text);
  EXPECT_EQ(one.to.id, "");
  EXPECT_FALSE(one.to.notification || one.to.want_meta || one.to.raw || one.fresh || one.timeout);
  EXPECT_THAT(one.arguments, IsEmpty());
}

TEST(Text, AnyRunOfSpacesAndTabsSeparates) {
  EXPECT_EQ(call(" \t ping \t").method, "ping");
  EXPECT_THAT(arguments("  weather \t oslo\tx  "), ElementsAre("=oslo", "=x"));
}

TEST(Text, ArgumentsByPositionAndByName) {
  EXPECT_THAT(arguments("weather oslo units=metric"), ElementsAre("=oslo", "units=metric"));
  EXPECT_THAT(arguments("weather units=metric oslo"), ElementsAre("units=metric", "=oslo"));
  EXPECT_THAT(arguments("r a_1=x=y b="), ElementsAre("a_1=x=y", "b="));
}

TEST(Text, OnlyAParameterLikeNameMakesANamedArgument) {
  EXPECT_THAT(arguments("r City=x"), ElementsAre("=City=x"));
  EXPECT_THAT(arguments("r =x 1+1=2 a-b=c _a=b a.b=c"),
              ElementsAre("==x", "=1+1=2", "=a-b=c", "=_a=b", "=a.b=c"));
  std::string longest(64, 'a');
  EXPECT_EQ(call("r " + longest + "=v").arguments[0].name, longest);
  EXPECT_EQ(call("r a" + longest + "=v").arguments[0].name, "");
}

TEST(Text, QuotedValuesStandAnywhereAValueStands) {
  EXPECT_THAT(arguments(R"(weather "S\u00e3o Paulo" units="a\"b" "x=y")"),
              ElementsAre("=S\xc3\xa3o Paulo", "units=a\"b", "=x=y"));
  EXPECT_THAT(arguments(R"(r "" a="")"), ElementsAre("=", "a="));
  EXPECT_THAT(arguments(R"(r "@id=7" "a\\")"), ElementsAre("=@id=7", "=a\\"));
  EXPECT_EQ(call(R"(r @id="7" @timeout="1s")").to.id, "7");
  EXPECT_EQ(call(R"(r "a\u0000b")").arguments[0].value, "a\0b"s);
}

TEST(Text, AQuoteInsideABareWordIsAByteLikeAnyOther) {
  EXPECT_THAT(arguments(R"(r 5"x a=b"c d\")"), ElementsAre("=5\"x", "a=b\"c", "=d\\\""));
}

TEST(Text, NothingFollowsAClosingQuote) {
  EXPECT_EQ(refused(R"(r "a"b)"), Symbol::parse_error);
  EXPECT_EQ(refused(R"(r a="b"c)"), Symbol::parse_error);
  EXPECT_EQ(refused(R"(r "a""b")"), Symbol::parse_error);
  EXPECT_EQ(refused(R"(r @id="a"b)"), Symbol::parse_error);
}

TEST(Text, AQuotedValueIsAJsonString) {
  EXPECT_EQ(refused(R"(r "a)"), Symbol::parse_error);
  EXPECT_EQ(refused(R"(r "a\")"), Symbol::parse_error);
  EXPECT_EQ(refused(R"(r a=")"), Symbol::parse_error);
  EXPECT_EQ(refused(R"(r "\x41")"), Symbol::parse_error);
  EXPECT_EQ(refused(R"(r "\u12")"), Symbol::parse_error);
  EXPECT_EQ(refused("r \"a\tb\""), Symbol::parse_error);
}

TEST(Text, HalfASurrogatePairIsInvalidParams) {
  Refusal bad = refusal(R"(weather city="\ud800" @id=4)");
  EXPECT_EQ(bad.error.symbol, Symbol::invalid_params);
  EXPECT_EQ(bad.error.members, R"(,"param":"city")");
  EXPECT_EQ(bad.to.id, "4");
}

TEST(Text, OptionsStandBeforeAndBehindTheName) {
  Call one = call("@id=a.B_1:- @fresh weather oslo @timeout=800ms @meta x");
  EXPECT_EQ(one.to.id, "a.B_1:-");
  EXPECT_TRUE(one.fresh && one.to.want_meta);
  EXPECT_EQ(one.timeout, 800ms);
  EXPECT_EQ(one.arguments.size(), 2u);
  EXPECT_TRUE(call("ping @raw").to.raw);
}

TEST(Text, AnIdIsOneTo64OfItsSet) {
  EXPECT_EQ(call("@id=" + std::string(64, 'x') + " ping").to.id.size(), 64u);
  for (std::string bad :
       {"@id=" + std::string(65, 'x'), "@id="s, "@id"s, "@id=a/b"s, "@id=\"a b\""s, "@id=\xc3\xa9"s}) {
    EXPECT_EQ(refused(bad + " ping"), Symbol::invalid_request) << bad;
  }
}

TEST(Text, ATimeoutIsADurationAboveZero) {
  EXPECT_EQ(call("ping @timeout=1.5s").timeout, 1500ms);
  for (std::string bad : {"@timeout", "@timeout=", "@timeout=5", "@timeout=-1s", "@timeout=0ms",
                          "@timeout=1d", "@timeout=99999h", "@timeout=1s2"}) {
    EXPECT_EQ(refused("ping " + bad), Symbol::invalid_request) << bad;
  }
}

TEST(Text, FlagsTakeNoValue) {
  for (std::string option : {"@fresh", "@meta", "@raw"}) {
    EXPECT_EQ(refused("ping " + option + "=1"), Symbol::invalid_request);
    EXPECT_EQ(refused("ping " + option + "="), Symbol::invalid_request);
  }
}

TEST(Text, ARepeatedOptionIsInvalid) {
  for (std::string option : {"@id=1", "@timeout=1s", "@fresh", "@meta", "@raw"}) {
    EXPECT_EQ(refused(option + " ping " + option), Symbol::invalid_request) << option;
  }
  EXPECT_EQ(refusal("@id=1 ping @id=2").to.id, "1");
}

TEST(Text, RawWithMetaIsInvalid) {
  EXPECT_EQ(refused("ping @raw @meta"), Symbol::invalid_request);
  EXPECT_EQ(refused("@meta ping @raw"), Symbol::invalid_request);
}

TEST(Text, AnUnknownOptionIsInvalidAndGetsASuggestion) {
  Refusal typo = refusal("ping @fersh");
  EXPECT_EQ(typo.error.symbol, Symbol::invalid_request);
  EXPECT_EQ(typo.error.message, "\"@fersh\" is not an option; did you mean \"@fresh\"?");
  EXPECT_EQ(typo.error.members, R"(,"did_you_mean":["@fresh"])");
  EXPECT_EQ(refused("ping @"), Symbol::invalid_request);
  EXPECT_EQ(refused("ping @=1"), Symbol::invalid_request);
  EXPECT_EQ(refused("ping @ID=1"), Symbol::invalid_request);
}

TEST(Text, ReflectedInputIsCutBetweenCodePoints) {
  std::string word;
  while (word.size() < 300) word += "\xc3\xa9";
  std::string message = refusal("ping @a" + word).error.message;
  EXPECT_LT(message.size(), 120u);
  EXPECT_THAT(message, HasSubstr("\xc3\xa9\""));
}

TEST(Text, ABadLineIsAnsweredWithItsId) {
  EXPECT_EQ(refusal("@id=7 ping @nope").to.id, "7");
  EXPECT_EQ(refusal("ping @nope @id=7").to.id, "7");
  EXPECT_EQ(refusal("@id=7 ping \"").to.id, "7");
  EXPECT_EQ(refusal("ping \" @id=7").to.id, "");
  EXPECT_EQ(refusal("@id=7 @raw ping @meta").to.id, "7");
}

TEST(Text, TheFirstFaultIsTheOneThatIsTold) {
  EXPECT_THAT(refusal("ping @nope @id=/ \"x").error.message, HasSubstr("@nope"));
}

TEST(Text, ALineNeedsAName) {
  EXPECT_EQ(refused("@id=1"), Symbol::invalid_request);
  EXPECT_EQ(refused("@raw @fresh"), Symbol::invalid_request);
  EXPECT_EQ(refused("\"ping\""), Symbol::invalid_request);
}

TEST(Text, ALineIsUtf8WithoutControlCharacters) {
  EXPECT_EQ(refused("weather \xff"), Symbol::parse_error);
  EXPECT_EQ(refused("weather \xed\xa0\x80"), Symbol::parse_error);
  EXPECT_EQ(refused("weather a\0b"s), Symbol::parse_error);
  EXPECT_EQ(refused("\x1b[A"), Symbol::parse_error);
  EXPECT_EQ(refused("ping\r"), Symbol::parse_error);
  EXPECT_THAT(arguments("weather S\xc3\xa3o"), ElementsAre("=S\xc3\xa3o"));
}

TEST(Text, NamesAreTakenAsTheyAre) {
  EXPECT_EQ(call("Weather").method, "Weather");
  EXPECT_EQ(call("a=b").method, "a=b");
  EXPECT_EQ(call("rpc.ping").method, "rpc.ping");
}

}  // namespace
}  // namespace linegate::wire
