#include "engine/tokenizer/end_of_generation.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/tiny_tokenizer.h"

namespace oriel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int32_t kNormal = 1;
constexpr int32_t kControl = 3;

TEST(EndOfGenerationTest, KnowsEndTokensByIdAndByText) {
  TinyVocabulary tiny;
  tiny.added = {{"<|start|>", kControl},   {"<|im_end|>", kControl}, {"<my_end>", kControl},
                {"<|fim_pad|>", kControl}, {"<PAD>", kControl},      {"<|endoftext|>", kControl}};
  GgufWriter writer = tiny.Writer();
  writer.AddUint32("tokenizer.ggml.eos_token_id", 258);
  const auto tokenizer = OpenTokenizer(writer);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  // Of two paddings only the first of the list counts: the other one may mean something else.
  EXPECT_THAT((*tokenizer)->end_of_generation_ids(), ElementsAre(257, 258, 259, 261));
  EXPECT_TRUE((*tokenizer)->IsEndOfGeneration(258));
  EXPECT_FALSE((*tokenizer)->IsEndOfGeneration(256));
  EXPECT_FALSE((*tokenizer)->IsEndOfGeneration('a'));
}

TEST(EndOfGenerationTest, AnEndTokenIsAControlTokenWhateverTheFileSays) {
  TinyVocabulary tiny;
  tiny.added = {{"<|eot_id|>", kNormal}};
  const auto tokenizer = MakeTokenizer(tiny);
  EXPECT_TRUE(tokenizer->IsSpecial(256));
  EXPECT_THAT(Encode(*tokenizer, "a<|eot_id|>"), ElementsAre('a', 256));
  EXPECT_EQ(tokenizer->Decode(std::vector<TokenId>{'a', 256}, {}), "a");
}

TEST(EndOfGenerationTest, RefusesAnIdOutsideTheVocabulary) {
  GgufWriter writer = TinyVocabulary().Writer();
  writer.AddUint32("tokenizer.ggml.eot_token_id", 256);
  const absl::Status status = OpenTokenizer(writer).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("'tokenizer.ggml.eot_token_id' is 256, but the vocabulary has 256 tokens"));
}

}  // namespace
}  // namespace oriel
