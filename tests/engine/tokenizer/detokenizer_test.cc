#include "engine/tokenizer/detokenizer.h"

#include <random>
#include <string>
#include <vector>

#include "engine/tokenizer/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/golden_cases.h"
#include "tests/engine/tokenizer/tiny_tokenizer.h"

namespace oriel {
namespace {

constexpr int32_t kControl = 3;

bool IsWholeUtf8(std::string_view text) { return ReplaceInvalidUtf8(text) == text; }

std::string Stream(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  Detokenizer detokenizer(tokenizer, {});
  std::string text;
  for (TokenId id : ids) {
    const std::string delta = detokenizer.Append(id);
    EXPECT_TRUE(IsWholeUtf8(delta)) << testing::PrintToString(delta);
    text += delta;
  }
  return text + detokenizer.Finish();
}

TEST(DetokenizerTest, KeepsACharacterBackUntilItIsWhole) {
  const auto tokenizer = MakeTokenizer({});
  Detokenizer detokenizer(*tokenizer, {});
  EXPECT_EQ(detokenizer.Append('a'), "a");
  EXPECT_EQ(detokenizer.Append(0xF0), "");
  EXPECT_EQ(detokenizer.Append(0x9F), "");
  EXPECT_EQ(detokenizer.Append(0x98), "");
  EXPECT_EQ(detokenizer.Append(0x80), "😀");
  EXPECT_EQ(detokenizer.Finish(), "");
}

TEST(DetokenizerTest, ReplacesACharacterThatCanNoLongerBecomeWhole) {
  const auto tokenizer = MakeTokenizer({});
  Detokenizer detokenizer(*tokenizer, {});
  EXPECT_EQ(detokenizer.Append(0xE2), "");
  EXPECT_EQ(detokenizer.Append(0x82), "");
  EXPECT_EQ(detokenizer.Append('z'), "\uFFFDz");
  EXPECT_EQ(detokenizer.Append(0xFF), "\uFFFD");
  EXPECT_EQ(detokenizer.Append(0xC3), "");
  EXPECT_EQ(detokenizer.Finish(), "\uFFFD");
  EXPECT_EQ(detokenizer.Finish(), "");
}

TEST(DetokenizerTest, SkipsSpecialTokensWithoutBreakingACharacter) {
  TinyVocabulary tiny;
  tiny.added = {{"<|s|>", kControl}};
  const auto tokenizer = MakeTokenizer(tiny);
  EXPECT_EQ(Stream(*tokenizer, {0xC3, 256, 0xA9}), "é");
  Detokenizer showing(*tokenizer, {.skip_special_tokens = false});
  EXPECT_EQ(showing.Append(256), "<|s|>");
}

TEST(DetokenizerTest, EqualsOneShotDecodingOnTextsOfManyScripts) {
  TinyVocabulary tiny;
  tiny.merges = {"ð Ł", "ã ģ", "Ã ©", "à ¤", "Ð ¸"};  // starts of characters, and whole ones
  const auto tokenizer = MakeTokenizer(tiny);
  for (const auto& [name, text] : GoldenTexts()) {
    const std::vector<TokenId> ids = Encode(*tokenizer, text, {.parse_special_tokens = false});
    EXPECT_EQ(Stream(*tokenizer, ids), text) << name;
  }
}

TEST(DetokenizerTest, EqualsOneShotDecodingOnRandomBytes) {
  const auto tokenizer = MakeTokenizer({});
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    std::vector<TokenId> ids(random() % 40);
    // Lead and continuation bytes more often than by chance.
    for (TokenId& id : ids)
      id = static_cast<TokenId>(random() % 3 == 0 ? random() % 256 : 0x80 + random() % 128);
    EXPECT_EQ(Stream(*tokenizer, ids), ReplaceInvalidUtf8(tokenizer->Decode(ids, {})));
  }
}

}  // namespace
}  // namespace oriel
