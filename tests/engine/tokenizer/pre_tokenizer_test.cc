#include "engine/tokenizer/pre_tokenizer.h"

#include <ctime>
#include <random>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/golden_cases.h"

namespace oriel {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

std::vector<std::string> Split(std::string_view rule_name, std::string_view text) {
  const PreTokenizerRule* rule = FindPreTokenizerRule(rule_name);
  EXPECT_NE(rule, nullptr) << rule_name;
  const absl::StatusOr<PreTokenizer> pre_tokenizer = PreTokenizer::Make(*rule);
  EXPECT_TRUE(pre_tokenizer.ok()) << pre_tokenizer.status();
  MatchWorkspace workspace;
  const auto pieces = pre_tokenizer->Split(text, workspace);
  EXPECT_TRUE(pieces.ok()) << rule_name << ": " << pieces.status();
  return {pieces->begin(), pieces->end()};
}

TEST(PreTokenizerTest, CutsAsTheReferenceDoes) {
  const std::map<std::string, std::string> texts = GoldenTexts();
  std::set<std::string> families;
  const nlohmann::json golden = ReadGolden("pieces.json");
  for (const nlohmann::json& item : golden["cases"]) {
    const std::string family = item["family"];
    const std::vector<std::string> expected = item["pieces"];
    const std::string& text = texts.at(item["text"]);
    EXPECT_THAT(Split(family, text), ElementsAreArray(expected)) << family << ", " << item["text"];
    families.insert(family);
  }
  EXPECT_EQ(families.size(), 11u);
}

TEST(PreTokenizerTest, EveryRuleCompilesAndLosesNoByte) {
  std::string text;
  for (const auto& [name, part] : GoldenTexts()) text += part;
  for (const PreTokenizerRule& rule : PreTokenizerRules()) {
    std::string joined;
    for (const std::string& piece : Split(rule.name, text)) joined += piece;
    EXPECT_EQ(joined, text) << rule.name;
  }
}

TEST(PreTokenizerTest, EveryRuleHasItsOwnName) {
  for (const PreTokenizerRule& rule : PreTokenizerRules()) {
    EXPECT_EQ(FindPreTokenizerRule(rule.name), &rule) << rule.name;
  }
  EXPECT_EQ(FindPreTokenizerRule("smol"), nullptr);
  EXPECT_EQ(FindPreTokenizerRule(""), nullptr);
}

TEST(PreTokenizerTest, BytesThatAreNoCharactersArePiecesOfTheirOwn) {
  EXPECT_THAT(Split("gpt-2", "ab\xFF\xFE cd\xE2\x82"),
              ElementsAre("ab", "\xFF\xFE", " cd", "\xE2\x82"));
}

// The Mongolian vowel separator was white space in old versions of Unicode.
TEST(PreTokenizerTest, WhiteSpaceIsWhatUnicodeSays) {
  EXPECT_THAT(Split("gpt-2", "a \u180Eb"), ElementsAre("a", " \u180E", "b"));
  EXPECT_THAT(Split("gpt-2", "a \u3000b"), ElementsAre("a", " ", "\u3000", "b"));
}

TEST(PreTokenizerTest, RandomBytesComeBackWhole) {
  std::mt19937 random(20);
  for (int round = 0; round < 200; ++round) {
    std::string text(random() % 60, '\0');
    for (char& byte : text) byte = static_cast<char>(random());
    for (const char* rule : {"smollm", "qwen2", "gpt-4o", "deepseek-llm"}) {
      std::string joined;
      for (const std::string& piece : Split(rule, text)) joined += piece;
      EXPECT_EQ(joined, text);
    }
  }
}

// A megabyte of one kind of character is where patterns that go back too far take minutes, or give
// up.
TEST(PreTokenizerTest, LongRunsTakeLinearTime) {
  constexpr size_t kRunBytes = size_t{1} << 20;
  std::string pairs;
  while (pairs.size() < kRunBytes) pairs += "aB";
  const std::string runs[] = {std::string(kRunBytes, 'a'),
                              std::string(kRunBytes, 'A'),
                              std::string(kRunBytes, ' ') + "x",
                              std::string(kRunBytes, '\n'),
                              std::string(kRunBytes, '7'),
                              std::string(kRunBytes, '!'),
                              pairs};
  const std::clock_t start = std::clock();
  for (const PreTokenizerRule& rule : PreTokenizerRules()) {
    // One rule a list of patterns is enough.
    if (&rule != PreTokenizerRules().data() &&
        rule.patterns.data() == (&rule - 1)->patterns.data()) {
      continue;
    }
    for (const std::string& run : runs) EXPECT_FALSE(Split(rule.name, run).empty()) << rule.name;
  }
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 60.0);
}

TEST(PatternTest, ABrokenExpressionIsRefusedWithItsPlace) {
  const absl::Status status = Pattern::Compile("a(b").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("pattern 'a(b' at 3"));
}

TEST(PatternTest, GivesUpOnATextThatTakesTooManySteps) {
  const absl::StatusOr<Pattern> pattern = Pattern::Compile("(?:a+)+(?:a+)+(?:a+)+b");
  ASSERT_TRUE(pattern.ok()) << pattern.status();
  MatchWorkspace workspace;
  std::vector<std::string_view> pieces;
  const std::string text = std::string(200, 'a') + "c" + "b";
  const absl::Status status = pattern->Split(text, workspace, pieces);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("text cannot be split into words at byte 0"));
}

}  // namespace
}  // namespace oriel
