#include "daemon/secret.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "json/validate.h"

namespace linegate::daemon {
namespace {

// A file that is gone at the end of the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) {
    int fd = mkstemp(path_);
    EXPECT_GE(fd, 0);
    EXPECT_EQ(write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
    close(fd);
  }
  ~TemporaryFile() { unlink(path_); }
  std::string path() const { return path_; }

 private:
  char path_[32] = "/tmp/linegate-secret-XXXXXX";
};

std::string from_file(const std::string& content) {
  return resolve_secret("file:" + TemporaryFile(content).path()).value;
}

SecretSet set_of(std::string_view secret) {
  SecretSet set;
  set.add(secret);
  return set;
}

TEST(Rendered, KnowsWhichBytesAreSecret) {
  Rendered rendered;
  rendered.append("key=");
  rendered.append_secret("abc");
  rendered.append("&x=1");
  EXPECT_EQ(rendered.bytes, "key=abc&x=1");
  EXPECT_EQ(rendered.masked(), "key=***&x=1");
}

TEST(Rendered, JoinsSecretsThatTouch) {
  Rendered rendered;
  rendered.append_secret("abc");
  rendered.append_secret("def");
  EXPECT_EQ(rendered.secrets, (std::vector<Span>{{0, 6}}));
  EXPECT_EQ(rendered.masked(), "***");
}

TEST(Rendered, KeepsSpansWhenOneIsAppendedToAnother) {
  Rendered inner;
  inner.append("a");
  inner.append_secret("bc");
  Rendered outer;
  outer.append("xy");
  outer.append(inner);
  EXPECT_EQ(outer.masked(), "xya***");
}

TEST(ResolveSecret, ReadsTheEnvironment) {
  setenv("LINEGATE_TEST_SECRET", "s3cret", 1);
  EXPECT_EQ(resolve_secret("env:LINEGATE_TEST_SECRET").value, "s3cret");
}

TEST(ResolveSecret, SaysThatAVariableIsNotSet) {
  EXPECT_EQ(resolve_secret("env:LINEGATE_TEST_NOT_SET").error,
            "\"${env:LINEGATE_TEST_NOT_SET}\" is not set in the environment");
}

TEST(ResolveSecret, RefusesAnEmptyOne) {
  setenv("LINEGATE_TEST_SECRET", "", 1);
  EXPECT_EQ(resolve_secret("env:LINEGATE_TEST_SECRET").error, "\"${env:LINEGATE_TEST_SECRET}\" is empty");
}

TEST(ResolveSecret, CutsOneTrailingNewlineOfAFile) {
  EXPECT_EQ(from_file("abcd"), "abcd");
  EXPECT_EQ(from_file("abcd\n"), "abcd");
  EXPECT_EQ(from_file("abcd\r\n"), "abcd");
  EXPECT_EQ(from_file("abcd\n\n"), "abcd\n");
}

TEST(ResolveSecret, TakesFilesOfUpTo64KiB) {
  EXPECT_EQ(from_file(std::string(64 * 1024, 'x') + "\n").size(), 64u * 1024);
  TemporaryFile file(std::string(64 * 1024 + 1, 'x'));
  EXPECT_EQ(resolve_secret("file:" + file.path()).error,
            "\"${file:" + file.path() + "}\" is longer than 64 KiB");
}

TEST(ResolveSecret, RefusesWhatIsNoReadableRegularFile) {
  EXPECT_EQ(resolve_secret("file:/no/such").error, "\"${file:/no/such}\" cannot be read");
  EXPECT_EQ(resolve_secret("file:/dev/null").error, "\"${file:/dev/null}\" is not a regular file");
  EXPECT_EQ(resolve_secret("file:/tmp").error, "\"${file:/tmp}\" is not a regular file");
  EXPECT_EQ(resolve_secret("file:x").error, "\"${file:x}\" needs an absolute path");
}

TEST(ResolveSecret, RefusesOtherKinds) {
  EXPECT_EQ(resolve_secret("vault:x").error, "\"${vault:x}\" is neither ${env:NAME} nor ${file:/path}");
  EXPECT_EQ(resolve_secret("env:").error, "\"${env:}\" is neither ${env:NAME} nor ${file:/path}");
}

TEST(Base64, PadsAsRfc4648Says) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

TEST(SecretSet, MasksEachOccurrence) {
  EXPECT_EQ(set_of("s3cret").mask("a s3cret and s3crets3cret"), "a *** and ******");
}

TEST(SecretSet, LeavesBytesWithoutSecretsAlone) {
  std::string foreign("s3cre \\ % \\u12 %zz \0 \xff", 22);
  EXPECT_EQ(set_of("s3cret").mask(foreign), foreign);
}

TEST(SecretSet, MasksPercentEncodedOnesInEitherCase) {
  EXPECT_EQ(set_of("a/b+c?").mask("k=a%2Fb%2Bc%3F"), "k=***");
  EXPECT_EQ(set_of("a/b+c?").mask("k=a%2fb%2bc%3f"), "k=***");
  EXPECT_EQ(set_of("a b c").mask("k=a+b+c"), "k=***");
}

TEST(SecretSet, MasksJsonEscapedOnes) {
  EXPECT_EQ(set_of("a\"b\\c/d").mask(R"(a\"b\\c\/d)"), "***");
  EXPECT_EQ(set_of("a-b-c").mask(R"(\u0061\u002Db\u002dc)"), "***");
  EXPECT_EQ(set_of("h\xc3\xa9h\xc3\xa9").mask(R"(h\u00e9h\u00e9)"), "***");
  EXPECT_EQ(set_of("ab\xf0\x9f\x98\x80").mask(R"(ab\ud83d\ude00)"), "***");
}

TEST(SecretSet, MasksBase64WithAndWithoutPadding) {
  EXPECT_EQ(set_of("user:pass1").mask("Basic dXNlcjpwYXNzMQ=="), "Basic ***==");
  EXPECT_EQ(set_of("user:pass1").mask("Basic dXNlcjpwYXNzMQ"), "Basic ***");
}

TEST(SecretSet, FindsSecretsThatLookEscapedThemselves) {
  EXPECT_EQ(set_of("a%2Fb\\n").mask("x a%2Fb\\n y"), "x *** y");
}

TEST(SecretSet, MasksTheLongerOfTwo) {
  SecretSet set;
  set.add("abcd");
  set.add("abcdefgh");
  EXPECT_EQ(set.mask("abcdefgh abcd"), "*** ***");
}

TEST(SecretSet, MasksTheBeginningOfOneThatIsCutOff) {
  EXPECT_EQ(set_of("s3cret-key").mask("x s3cret"), "x ***");
  EXPECT_EQ(set_of("s3cret/key").mask("x s3cret%2"), "x ***");
  EXPECT_EQ(set_of("s3cret-key").mask("x s3c"), "x s3c");
}

TEST(SecretSet, DoesNotLookForShortOnes) {
  SecretSet set;
  set.add("123");
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.mask("123"), "123");
  set.add("1234");
  EXPECT_EQ(set.mask("1234"), "***");
}

// What mask_json makes of `json`, which must be JSON again.
std::string masked_json(std::string_view secret, std::string_view json) {
  std::string out = set_of(secret).mask_json(json);
  EXPECT_FALSE(json::validate(out, 100)) << out;
  return out;
}

TEST(SecretSet, KeepsJsonValid) {
  EXPECT_EQ(masked_json("s3cret", R"({"k":"my s3cret","s3cret":[1,true]})"),
            R"({"k":"my ***","***":[1,true]})");
  EXPECT_EQ(masked_json("12345", R"({"k":12345,"l":-912345.5,"m":1})"), R"({"k":"***","l":"***","m":1})");
}

TEST(SecretSet, NeverCutsAJsonEscapeInTwo) {
  EXPECT_EQ(masked_json("abc\\", R"("abc\\")"), R"("***")");
  EXPECT_EQ(masked_json("abc\\", R"("abc\"d")"), R"("abc\"d")");
  EXPECT_EQ(masked_json("u0041bcd", R"("\u0041bcd")"), R"("\u0041bcd")");
  EXPECT_EQ(masked_json("u0041bcd", R"("\\u0041bcd")"), R"("\\***")");
  EXPECT_EQ(masked_json("abc\",\"def", R"(["abc","def"])"), R"(["abc","def"])");
  EXPECT_EQ(masked_json("abcd\\ud8", R"("abcd\ud800")"), R"("abcd\ud800")");
}

TEST(SecretSet, DoesNotTakeAWordForABeginningWithinWholeJson) {
  EXPECT_EQ(masked_json("weather-key", R"({"a":"weather"})"), R"({"a":"weather"})");
}

}  // namespace
}  // namespace linegate::daemon
