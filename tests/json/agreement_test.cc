// The validator against simdjson's DOM on thousands of mutated documents: they may differ only where the DOM
// is known to refuse valid JSON.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <random>
#include <string>
#include <string_view>

#include "json/checker.h"
#include "json/validate.h"

namespace linegate::json {
namespace {

constexpr std::string_view kSeeds[] = {
    R"({"city":"Oslo","temp_c":3.50,"tags":["a","b\u00e9"],"nested":{"x":null,"y":[true,false]}})",
    R"([1,-2.5e+10,18446744073709551615,"\ud83d\ude00\n\"\\",{},[],[[]],{"a":{"b":{"c":0}}}])",
    "\"S\xc3\xa3o \xe2\x82\xac \xf0\x9f\x98\x80\"",
    " {\r\n \"k\" : [ 1 , 2 ] \t} ",
    "-0.0e-7",
};
constexpr std::string_view kPieces = "{}[]:,\"\\/ \t\n\r0123456789+-.eEtrufalsn\xc3\xa9\x80\xff\x01";

std::string mutate(std::string text, std::mt19937& random) {
  for (int edits = static_cast<int>(random() % 3) + 1; edits > 0; --edits) {
    std::size_t at = random() % (text.size() + 1);
    char piece = kPieces[random() % kPieces.size()];
    switch (random() % 4) {
      case 0:
        text.insert(at, 1, piece);
        break;
      case 1:
        text.erase(at, 1 + random() % 3);
        break;
      case 2:
        if (at < text.size()) text[at] = piece;
        break;
      default:
        text.insert(at, text.substr(random() % (text.size() + 1), random() % 8));
    }
  }
  return text;
}

bool valid_though_refused(simdjson::error_code error) {
  return error == simdjson::NUMBER_ERROR || error == simdjson::STRING_ERROR;
}

TEST(Agreement, ValidatorAndDomAgreeOnMutatedDocuments) {
  std::mt19937 random(20240229);
  simdjson::dom::parser parser;
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = mutate(std::string(kSeeds[random() % std::size(kSeeds)]), random);
    simdjson::dom::element root;
    auto error = parser.parse(text).get(root);
    bool ours = !validate(text, kMaxDepth);
    accepted += ours;
    if (!error) {
      EXPECT_TRUE(ours) << text;
    } else if (ours) {
      EXPECT_TRUE(valid_though_refused(error) ||
                  std::string_view(simdjson::error_message(error)).find("ig integer") !=
                      std::string_view::npos)
          << text << ": " << error;
    }
  }
  EXPECT_GT(accepted, 2'000);
  EXPECT_LT(accepted, 18'000);
}

TEST(Agreement, MinifiedDocumentsAreOneLineValidAndFinal) {
  std::mt19937 random(7);
  Checker checker;
  int checked = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = mutate(std::string(kSeeds[random() % std::size(kSeeds)]), random);
    std::string once;
    if (checker.minify_into(text, once)) continue;
    ++checked;
    EXPECT_FALSE(validate(once, kMaxDepth)) << text;
    EXPECT_EQ(once.find_first_of("\r\n"), once.npos) << text;
    std::string twice;
    append_minified(twice, once);
    EXPECT_EQ(twice, once);
  }
  EXPECT_GT(checked, 2'000);
}

}  // namespace
}  // namespace linegate::json
