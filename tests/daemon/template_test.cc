#include "daemon/template.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace linegate::daemon {
namespace {

std::vector<Parameter> parameters() {
  std::vector<Parameter> made(2);
  made[0].name = "a";
  made[1].name = "b";
  return made;
}

Template::Compiled compile(std::string_view text, Place place) {
  SecretValues secrets;
  return Template::compile(text, place, parameters(), secrets);
}

std::string fault(std::string_view text, Place place) {
  return compile(text, place).error;
}

// What `text` makes of a and b, masked, or the refusal.
std::string rendered(std::string_view text, Place place, const std::string& a = "",
                     const std::string& b = "") {
  auto compiled = compile(text, place);
  EXPECT_EQ(compiled.error, "");
  Rendered out;
  auto error = compiled.value.render(parameters(), {{a, true}, {b, true}}, out);
  return error ? error->message + error->members : out.masked();
}

const std::string kDots = "parameter \"a\" must not have a path piece \".\" or \"..\",\"param\":\"a\"";

TEST(Template, KeepsLiteralsAndDoubledBraces) {
  EXPECT_EQ(rendered("x{{a}}y", Place::header), "x{a}y");
  EXPECT_EQ(rendered("${{env:X}}", Place::header), "${env:X}");
  EXPECT_EQ(rendered("$5", Place::header), "$5");
}

TEST(Template, NamesWhatIsWrong) {
  EXPECT_EQ(fault("{", Place::header), "\"{\" without \"}\"; write \"{{\" for a brace");
  EXPECT_EQ(fault("}", Place::header), "\"}\" without \"{\"; write \"}}\" for a brace");
  EXPECT_EQ(fault("{}", Place::header), "\"{}\" names nothing; write \"{{}}\" for braces");
  EXPECT_EQ(fault("{ab}", Place::header), "\"{ab}\" is not a parameter; did you mean \"a\" or \"b\"?");
  EXPECT_EQ(fault("${env:", Place::header), "\"{\" without \"}\"; write \"{{\" for a brace");
}

TEST(Template, KnowsItsParametersOnceEach) {
  EXPECT_EQ(compile("{b}{a}{b}", Place::query).value.parameters(), (std::vector<std::size_t>{1, 0}));
  EXPECT_TRUE(compile("{a}", Place::query).value.whole_parameter());
  EXPECT_FALSE(compile("{a}x", Place::query).value.whole_parameter());
  EXPECT_TRUE(compile("x", Place::query).value.fixed());
}

TEST(Template, IsCompleteWhenAllItsParametersAreGiven) {
  Template both = compile("{a}{b}", Place::query).value;
  EXPECT_TRUE(both.complete({{"1", true}, {"2", true}}));
  EXPECT_FALSE(both.complete({{"1", true}, {"", false}}));
  EXPECT_TRUE(compile("{a}", Place::query).value.complete({{"1", true}, {"", false}}));
}

TEST(PathTemplate, EncodesAllButUnreserved) {
  EXPECT_EQ(rendered("/x/{a}", Place::path, "a b/c?d#e%f&g=h+i;j:k@l"),
            "/x/a%20b%2Fc%3Fd%23e%25f%26g%3Dh%2Bi%3Bj%3Ak%40l");
  EXPECT_EQ(rendered("/{a}", Place::path, "AZaz09-._~"), "/AZaz09-._~");
  EXPECT_EQ(rendered("/{a}", Place::path, "S\xc3\xa3o"), "/S%C3%A3o");
  EXPECT_EQ(rendered("/{a}", Place::path, std::string("a\0b", 3)), "/a%00b");
}

TEST(PathTemplate, KeepsWhatAPathMayHoldInLiterals) {
  EXPECT_EQ(rendered("/a%20b;v=1/@x:y,(z)!", Place::path), "/a%20b;v=1/@x:y,(z)!");
  EXPECT_EQ(rendered("/a b\xc3\xa9%zz", Place::path), "/a%20b%C3%A9%25zz");
}

TEST(PathTemplate, RefusesEmptyValues) {
  EXPECT_EQ(rendered("/x/{a}", Place::path, ""), "parameter \"a\" must not be empty,\"param\":\"a\"");
}

TEST(PathTemplate, RefusesDotPieces) {
  for (const char* bad :
       {".", "..", "../x", "x/..", "x/../y", "./x", "x/.", "..\\x", "x\\..", "x\\.\\y", "/..", "../"}) {
    EXPECT_EQ(rendered("/x/{a}", Place::path, bad), kDots) << bad;
  }
  for (const char* good : {"...", ".x", "x..", "a..b", "..x/y", "%2e%2e"}) {
    EXPECT_EQ(rendered("/x/{a}", Place::path, good).substr(0, 3), "/x/") << good;
  }
}

TEST(PathTemplate, RefusesDotPiecesThatItMakesTogetherWithItsText) {
  EXPECT_EQ(rendered("/cmp/{a}...{b}", Place::path, "v1", "v2"), "/cmp/v1...v2");
  EXPECT_EQ(rendered("/cmp/{a}..{b}", Place::path, "v1", "v2"), "/cmp/v1..v2");
  std::string refusal = "parameter \"a\" makes a path piece \".\" or \"..\",\"param\":\"a\"";
  EXPECT_EQ(rendered("/cmp/{a}..{b}", Place::path, "x/", "/y"), refusal);
  EXPECT_EQ(rendered("/..{a}", Place::path, "/y"), refusal);
  EXPECT_EQ(rendered("/{a}.{b}", Place::path, "x", "json"), "/x.json");
}

TEST(PathTemplate, CannotHaveDotPiecesOfItsOwn) {
  for (const char* bad : {"/a/../b", "/./b", "/..", "/%2e%2E/x", "/a%2f..%2fb", "/{a}/../b"}) {
    EXPECT_EQ(fault(bad, Place::path), "a path cannot have a piece \".\" or \"..\"") << bad;
  }
}

TEST(PathTemplate, CannotHaveAQueryASecretOrControls) {
  EXPECT_EQ(fault("/a?b=c", Place::path),
            "a path has no \"?\" or \"#\"; a query is written as query = { key = \"value\" }");
  EXPECT_EQ(fault("/${env:HOME}", Place::path), "a secret cannot stand in a path");
  EXPECT_EQ(fault("/a\nb", Place::path), "a path has no control characters");
}

TEST(QueryTemplate, EncodesValuesAndLiterals) {
  EXPECT_EQ(rendered("x y&{a}", Place::query, "a&b=c d+\xc3\xa9"), "x%20y%26a%26b%3Dc%20d%2B%C3%A9");
  EXPECT_EQ(rendered("{a}", Place::query, ""), "");
  EXPECT_EQ(rendered("{a}", Place::form, "a b+c"), "a%20b%2Bc");
}

TEST(HeaderTemplate, SendsValuesAsTheyAreButRefusesLineBreaks) {
  EXPECT_EQ(rendered("Bearer {a}", Place::header, "x y\xc3\xa9"), "Bearer x y\xc3\xa9");
  for (const std::string& bad :
       {std::string("x\r\nY: 1"), std::string("x\n"), std::string("\r"), std::string("a\0b", 3)}) {
    EXPECT_EQ(rendered("{a}", Place::header, bad),
              "parameter \"a\" must not have CR, LF or NUL,\"param\":\"a\"");
  }
  EXPECT_EQ(fault("a\r\nb", Place::header), "the value has CR, LF or NUL, which no header may have");
}

TEST(JsonTemplatePlace, EscapesForTheInsideOfAString) {
  EXPECT_EQ(rendered("say \"{a}\"", Place::json, "a\"b\\c\n"), R"(say \"a\"b\\c\n\")");
}

TEST(TemplateSecrets, AreEscapedForTheirPlaceAndMasked) {
  setenv("LINEGATE_TEST_SECRET", "k/y\"", 1);
  SecretValues secrets;
  auto made = Template::compile("id {a} ${env:LINEGATE_TEST_SECRET}!", Place::query, parameters(), secrets);
  EXPECT_EQ(secrets, SecretValues{"k/y\""});
  EXPECT_TRUE(made.value.has_secret());
  Rendered out;
  EXPECT_FALSE(made.value.render(parameters(), {{"1", true}, {}}, out));
  EXPECT_EQ(out.bytes, "id%201%20k%2Fy%22%21");
  EXPECT_EQ(out.masked(), "id%201%20***%21");
}

TEST(TemplateSecrets, ThatWouldSplitAHeaderAreRefusedWithoutShowingThem) {
  setenv("LINEGATE_TEST_SECRET", "two\nlines", 1);
  EXPECT_EQ(fault("${env:LINEGATE_TEST_SECRET}", Place::header),
            "\"${env:LINEGATE_TEST_SECRET}\" has CR, LF or NUL, which no header may have");
}

TEST(TemplateSecrets, ThatAreNotUtf8CannotStandInJson) {
  setenv("LINEGATE_TEST_SECRET", "\xff\xfe", 1);
  EXPECT_EQ(fault("${env:LINEGATE_TEST_SECRET}", Place::json),
            "\"${env:LINEGATE_TEST_SECRET}\" is not UTF-8, which JSON must be");
}

}  // namespace
}  // namespace linegate::daemon
