#include "engine/tokenizer/tokenizer.h"

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/tiny_tokenizer.h"

namespace oriel {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int32_t kUnknown = 2;
constexpr int32_t kControl = 3;
constexpr int32_t kUserDefined = 4;

TinyVocabulary WithSpecialTokens() {
  TinyVocabulary tiny;
  tiny.merges = {"h i", "Ġ hi"};  // 256, 257
  tiny.added = {{"<|s|>", kControl},
                {"<|e|>", kControl},
                {"<tool>", kUserDefined},
                {"<unk>", kUnknown}};  // 258 … 261
  return tiny;
}

TEST(TokenizerTest, MergesWithinWords) {
  const auto tokenizer = MakeTokenizer(WithSpecialTokens());
  EXPECT_THAT(Encode(*tokenizer, "hi hi h i"), ElementsAre(256, 257, ' ', 'h', ' ', 'i'));
  EXPECT_THAT(Encode(*tokenizer, ""), IsEmpty());
  EXPECT_EQ(tokenizer->TokenBytes(257), " hi");
  EXPECT_EQ(tokenizer->TokenText(257), "Ġhi");
  EXPECT_EQ(tokenizer->FindToken("Ġhi"), 257);
}

TEST(TokenizerTest, ReadsSpecialTokensOnlyWhenAsked) {
  const auto tokenizer = MakeTokenizer(WithSpecialTokens());
  EXPECT_THAT(Encode(*tokenizer, "<|s|>hi<|e|><unk>"), ElementsAre(258, 256, 259, 261));
  const std::vector<TokenId> plain =
      Encode(*tokenizer, "<|s|>hi<|e|>", {.parse_special_tokens = false});
  EXPECT_EQ(plain.size(), 11u);
  EXPECT_EQ(tokenizer->Decode(plain, {}), "<|s|>hi<|e|>");
}

TEST(TokenizerTest, ReadsUserDefinedTokensAlways) {
  const auto tokenizer = MakeTokenizer(WithSpecialTokens());
  EXPECT_THAT(Encode(*tokenizer, "hi<tool>", {.parse_special_tokens = false}),
              ElementsAre(256, 260));
}

TEST(TokenizerTest, DecodingSkipsControlTokensButKeepsUserDefinedOnes) {
  const auto tokenizer = MakeTokenizer(WithSpecialTokens());
  const std::vector<TokenId> ids = {258, 256, 260, 261, 259};
  EXPECT_EQ(tokenizer->Decode(ids, {.skip_special_tokens = true}), "hi<tool>");
  EXPECT_EQ(tokenizer->Decode(ids, {.skip_special_tokens = false}), "<|s|>hi<tool><unk><|e|>");
  EXPECT_TRUE(tokenizer->IsSpecial(261));
  EXPECT_FALSE(tokenizer->IsSpecial(260));
}

TEST(TokenizerTest, AddsBeginAndEndAsTheFileSays) {
  GgufWriter writer = WithSpecialTokens().Writer();
  writer.AddUint32("tokenizer.ggml.bos_token_id", 258);
  writer.AddUint32("tokenizer.ggml.eos_token_id", 259);
  writer.AddBool("tokenizer.ggml.add_bos_token", true);
  writer.AddBool("tokenizer.ggml.add_eos_token", true);
  const auto tokenizer = OpenTokenizer(writer);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_THAT(Encode(**tokenizer, "hi"), ElementsAre(258, 256, 259));
  EXPECT_THAT(Encode(**tokenizer, ""), ElementsAre(258, 259));
  EXPECT_THAT(Encode(**tokenizer, "hi", {.add_special_tokens = false}), ElementsAre(256));
  EXPECT_EQ((*tokenizer)->bos_id(), 258);
  EXPECT_EQ((*tokenizer)->eos_id(), 259);
  EXPECT_EQ((*tokenizer)->unknown_id(), std::nullopt);
}

TEST(TokenizerTest, AFamilyThatBeginsWithATokenDoesSoUnlessTheFileSaysNo) {
  TinyVocabulary tiny = WithSpecialTokens();
  tiny.pre = "llama-bpe";
  GgufWriter silent = tiny.Writer();
  silent.AddUint32("tokenizer.ggml.bos_token_id", 258);
  GgufWriter against = tiny.Writer();
  against.AddUint32("tokenizer.ggml.bos_token_id", 258);
  against.AddBool("tokenizer.ggml.add_bos_token", false);
  const auto adding = OpenTokenizer(silent);
  const auto not_adding = OpenTokenizer(against);
  ASSERT_TRUE(adding.ok() && not_adding.ok());
  EXPECT_THAT(Encode(**adding, "hi"), ElementsAre(258, 256));
  EXPECT_THAT(Encode(**not_adding, "hi"), ElementsAre(256));
}

// Random bytes, and random mixtures of characters, halves of characters and words.
TEST(TokenizerTest, EveryByteStringComesBack) {
  const char* parts[] = {"hi",       " hi", "\n",       "é",  "\xC3", "€",
                         "\xE2\x82", "😀",   "\xF0\x9F", "12", "\xFF", "'s"};
  std::mt19937 random(7);
  for (const char* pre : {"smollm", "qwen2", "llama-bpe", "gpt-4o", "default", "deepseek-coder"}) {
    TinyVocabulary tiny;
    tiny.merges = {"h i", "Ġ hi", "Ã ©", "â Ĥ"};
    tiny.pre = pre;
    GgufWriter writer = tiny.Writer();
    writer.AddBool("tokenizer.ggml.add_bos_token", false);
    const auto tokenizer = OpenTokenizer(writer);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    for (int round = 0; round < 300; ++round) {
      std::string text;
      while (random() % 16 != 0) {
        if (random() % 2 == 0) {
          text.push_back(static_cast<char>(random()));
        } else {
          text += parts[random() % std::size(parts)];
        }
      }
      EXPECT_EQ((*tokenizer)->Decode(Encode(**tokenizer, text), {}), text)
          << testing::PrintToString(text);
    }
  }
}

TEST(TokenizerTest, AByteWithoutATokenIsLeftOut) {
  GgufWriter writer;
  writer.AddString("tokenizer.ggml.model", "gpt2");
  writer.AddString("tokenizer.ggml.pre", "gpt-2");
  writer.AddStringArray("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "ab"});
  writer.AddStringArray("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
  const auto tokenizer = OpenTokenizer(writer);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_THAT(Encode(**tokenizer, "axbab"), ElementsAre(0, 1, 2));
}

TEST(TokenizerTest, EncodesFromSeveralThreadsAtOnce) {
  const auto tokenizer = MakeTokenizer(WithSpecialTokens());
  const std::string text = "<|s|>hi there, 42 hi<|e|>";
  const std::vector<TokenId> expected = Encode(*tokenizer, text);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) EXPECT_EQ(Encode(*tokenizer, text), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace oriel
