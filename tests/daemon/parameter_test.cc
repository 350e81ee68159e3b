#include "daemon/parameter.h"

#include <gtest/gtest.h>

namespace linegate::daemon {
namespace {

using wire::Dialect;

Parameter declared(const std::string& name, Type type = Type::string) {
  Parameter parameter;
  parameter.name = name;
  parameter.type = type;
  return parameter;
}

Parameter required(const std::string& name) {
  Parameter parameter = declared(name);
  parameter.required = true;
  return parameter;
}

const std::vector<Parameter>& weather() {
  static const std::vector<Parameter> parameters = [] {
    Parameter units = declared("units");
    units.choices = {"metric", "imperial"};
    units.fallback = "metric";
    return std::vector{required("city"), units, declared("lang")};
  }();
  return parameters;
}

std::string told(const std::optional<wire::Error>& error) {
  return error ? std::string(wire::name(error->symbol)) + ' ' + error->message + ' ' + error->members : "";
}

// "value|value|-" or the error.
std::string bound(const std::vector<wire::Argument>& arguments, Dialect dialect = Dialect::text,
                  const std::vector<Parameter>& parameters = weather()) {
  std::vector<Value> values;
  auto error = bind_arguments("weather", parameters, arguments, dialect, values);
  if (error) return told(error);
  std::string out;
  for (const Value& value : values) out += '|' + (value.given ? value.text : "-");
  return out.substr(1);
}

// The value's text, or the error's sentence.
std::string read(const Parameter& parameter, std::string_view argument, Dialect dialect = Dialect::text) {
  std::string text;
  if (auto error = read_argument(parameter, argument, dialect, text)) return error->message;
  if (auto error = check_value(parameter, text)) return error->message;
  return text;
}

TEST(Binding, FillsParametersByPositionInDeclaredOrder) {
  EXPECT_EQ(bound({{"", "oslo"}, {"", "imperial"}, {"", "no"}}), "oslo|imperial|no");
}

TEST(Binding, FillsDefaultsAndLeavesTheRestOut) {
  EXPECT_EQ(bound({{"", "oslo"}}), "oslo|metric|-");
}

TEST(Binding, TakesNamesInAnyOrder) {
  EXPECT_EQ(bound({{"lang", "no"}, {"city", "oslo"}}), "oslo|metric|no");
}

TEST(Binding, CountsPositionsWhetherOrNotSomeAreNamed) {
  EXPECT_EQ(bound({{"units", "imperial"}, {"", "oslo"}}), "oslo|imperial|-");
  EXPECT_EQ(bound({{"city", "oslo"}, {"", "bergen"}}),
            "invalid_params parameter \"city\" is given twice ,\"param\":\"city\"");
}

TEST(Binding, RefusesANameGivenTwice) {
  EXPECT_EQ(bound({{"city", "a"}, {"city", "b"}}),
            "invalid_params parameter \"city\" is given twice ,\"param\":\"city\"");
}

TEST(Binding, NamesTheMissingParameterAndTheUsage) {
  EXPECT_EQ(
      bound({}),
      "invalid_params missing parameter \"city\"; usage: weather <city> [units] [lang] ,\"param\":\"city\"");
}

TEST(Binding, SuggestsForAnUnknownName) {
  EXPECT_EQ(bound({{"citi", "oslo"}}),
            "invalid_params weather has no parameter \"citi\"; did you mean \"city\"? "
            ",\"param\":\"citi\",\"did_you_mean\":[\"city\"]");
}

TEST(Binding, ReflectsAtMost64BytesOfAnUnknownName) {
  std::string shown(64, 'x');
  EXPECT_EQ(bound({{std::string(65, 'x'), "1"}}),
            "invalid_params weather has no parameter \"" + shown + "\" ,\"param\":\"" + shown + '"');
}

TEST(Binding, RefusesOneArgumentTooMany) {
  EXPECT_EQ(bound({{"", "a"}, {"", "metric"}, {"", "c"}, {"", "d"}}),
            "invalid_params too many arguments; usage: weather <city> [units] [lang] ");
}

TEST(Binding, TakesNullAsNotGivenInJsonRpcOnly) {
  EXPECT_EQ(bound({{"", "\"oslo\""}, {"", "null"}}, Dialect::jsonrpc), "oslo|metric|-");
  EXPECT_EQ(
      bound({{"city", "null"}}, Dialect::jsonrpc),
      "invalid_params missing parameter \"city\"; usage: weather <city> [units] [lang] ,\"param\":\"city\"");
  EXPECT_EQ(bound({{"", "null"}}), "null|metric|-");
}

TEST(Binding, KnowsAnEmptyStringAsGiven) {
  EXPECT_EQ(bound({{"", ""}}), "|metric|-");
}

TEST(Values, HoldTheEnumAndSuggest) {
  EXPECT_EQ(bound({{"", "oslo"}, {"units", "metrik"}}),
            "invalid_params parameter \"units\" must be \"metric\" or \"imperial\" "
            ",\"param\":\"units\",\"did_you_mean\":[\"metric\"]");
}

TEST(Values, AreHeldToMaxLengthInCodePoints) {
  Parameter city = declared("city");
  city.max_length = 3;
  EXPECT_EQ(read(city, "\xc3\xb8\xc3\xb8\xc3\xb8"), "\xc3\xb8\xc3\xb8\xc3\xb8");
  EXPECT_EQ(read(city, "abcd"), "parameter \"city\" is longer than 3 characters");
}

TEST(Values, AreAtMost1024CodePointsByDefault) {
  EXPECT_EQ(read(declared("q"), std::string(1024, 'x')).size(), 1024u);
  EXPECT_EQ(read(declared("q"), std::string(1025, 'x')), "parameter \"q\" is longer than 1024 characters");
}

TEST(Values, OfIntAreWholeAndOf64Bits) {
  Parameter limit = declared("limit", Type::integer);
  for (const char* good : {"0", "-1", "9223372036854775807", "-9223372036854775808"})
    EXPECT_EQ(read(limit, good), good);
  for (const char* bad :
       {"", "-", "1.0", "1e2", "+1", "01", " 1", "1 ", "0x1", "ten", "9223372036854775808"}) {
    EXPECT_EQ(read(limit, bad), "parameter \"limit\" must be an int (64 bits)") << bad;
  }
}

TEST(Values, OfNumberKeepToJsonsGrammarByteForByte) {
  Parameter x = declared("x", Type::number);
  for (const char* good : {"0", "-0.50", "3.50", "1E+400", "123456789012345678901234567890", "1e-7"}) {
    EXPECT_EQ(read(x, good), good);
    EXPECT_EQ(read(x, good, Dialect::jsonrpc), good);
  }
  for (const char* bad : {"", ".5", "5.", "1e", "01", "+1", "NaN", "Infinity", "1,5", "1.5x"}) {
    EXPECT_EQ(read(x, bad), "parameter \"x\" must be a number") << bad;
  }
}

TEST(Values, OfBoolAreTrueOrFalse) {
  Parameter flag = declared("flag", Type::boolean);
  EXPECT_EQ(read(flag, "true"), "true");
  EXPECT_EQ(read(flag, "false", Dialect::jsonrpc), "false");
  for (const char* bad : {"True", "1", "yes", ""})
    EXPECT_EQ(read(flag, bad), "parameter \"flag\" must be true or false");
}

TEST(Values, HoldMinAndMax) {
  Parameter limit = declared("limit", Type::integer);
  limit.min = "1";
  limit.max = "50";
  EXPECT_EQ(read(limit, "1"), "1");
  EXPECT_EQ(read(limit, "50"), "50");
  EXPECT_EQ(read(limit, "0"), "parameter \"limit\" must be at least 1");
  EXPECT_EQ(read(limit, "51"), "parameter \"limit\" must be at most 50");
}

TEST(Values, CompareNumbersOfAnySize) {
  Parameter x = declared("x", Type::number);
  x.min = "-0.5";
  x.max = "1e300";
  EXPECT_EQ(read(x, "1e-400"), "1e-400");
  EXPECT_EQ(read(x, "1e400"), "parameter \"x\" must be at most 1e300");
  EXPECT_EQ(read(x, "-0.51"), "parameter \"x\" must be at least -0.5");
}

TEST(Values, OfNumbersMatchAnEnumByValue) {
  Parameter x = declared("x", Type::number);
  x.choices = {"1.5", "2"};
  EXPECT_EQ(read(x, "1.50"), "1.50");
  EXPECT_EQ(read(x, "3"), "parameter \"x\" must be \"1.5\" or \"2\"");
}

TEST(JsonRpcValues, MustHaveTheDeclaredType) {
  EXPECT_EQ(read(declared("s"), "5", Dialect::jsonrpc), "parameter \"s\" must be a string");
  EXPECT_EQ(read(declared("s"), "{}", Dialect::jsonrpc), "parameter \"s\" must be a string");
  EXPECT_EQ(read(declared("i", Type::integer), "\"5\"", Dialect::jsonrpc),
            "parameter \"i\" must be an int (64 bits)");
  EXPECT_EQ(read(declared("i", Type::integer), "5.0", Dialect::jsonrpc),
            "parameter \"i\" must be an int (64 bits)");
  EXPECT_EQ(read(declared("n", Type::number), "[1]", Dialect::jsonrpc), "parameter \"n\" must be a number");
  EXPECT_EQ(read(declared("b", Type::boolean), "1", Dialect::jsonrpc),
            "parameter \"b\" must be true or false");
}

TEST(JsonRpcValues, OfStringsAreDecoded) {
  EXPECT_EQ(read(declared("s"), R"("S\u00e3o \"x\"")", Dialect::jsonrpc), "S\xc3\xa3o \"x\"");
}

TEST(JsonRpcValues, WithHalfASurrogatePairAreRefused) {
  EXPECT_EQ(read(declared("s"), R"("\ud800")", Dialect::jsonrpc),
            "parameter \"s\" has half a surrogate pair");
}

}  // namespace
}  // namespace linegate::daemon
