#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/tiny_tokenizer.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

absl::Status ErrorOf(const GgufWriter& writer) { return OpenTokenizer(writer).status(); }

TEST(TokenizerErrorsTest, AnUnknownPreTokenizerIsNamedWithTheKnownOnes) {
  TinyVocabulary tiny;
  tiny.pre = "qwen99";
  const absl::Status status = ErrorOf(tiny.Writer());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), StartsWith(testing::TempDir()));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("'tokenizer.ggml.pre' is 'qwen99', which is not known; known are default"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("smollm"));
}

TEST(TokenizerErrorsTest, AnotherKindOfModelIsRefused) {
  GgufWriter writer;
  writer.AddString("tokenizer.ggml.model", "llama");
  EXPECT_THAT(std::string(ErrorOf(writer).message()),
              HasSubstr("'tokenizer.ggml.model' is 'llama', only 'gpt2' is supported"));
}

TEST(TokenizerErrorsTest, MissingKeysAreNamedOnceWithTheFile) {
  GgufWriter writer;
  EXPECT_THAT(std::string(ErrorOf(writer).message()),
              HasSubstr("'tokenizer.ggml.model' is missing"));
  writer.AddString("tokenizer.ggml.model", "gpt2");
  EXPECT_THAT(std::string(ErrorOf(writer).message()), HasSubstr("'tokenizer.ggml.pre' is missing"));
  writer.AddString("tokenizer.ggml.pre", "gpt-2");
  EXPECT_THAT(std::string(ErrorOf(writer).message()),
              HasSubstr("'tokenizer.ggml.tokens' is missing"));
  writer.AddStringArray("tokenizer.ggml.tokens", std::vector<std::string>{"a"});
  const std::string message(ErrorOf(writer).message());
  EXPECT_THAT(message, HasSubstr("'tokenizer.ggml.merges' is missing"));
  EXPECT_EQ(message.find(testing::TempDir()), message.rfind(testing::TempDir()));
}

TEST(TokenizerErrorsTest, ABeginTokenThatIsToBeAddedMustBeThere) {
  GgufWriter writer = TinyVocabulary().Writer();
  writer.AddBool("tokenizer.ggml.add_bos_token", true);
  EXPECT_THAT(std::string(ErrorOf(writer).message()),
              HasSubstr("the begin token is to be added, but 'tokenizer.ggml.bos_token_id'"));
}

TEST(TokenizerErrorsTest, AnEndTokenThatIsToBeAddedMustBeThere) {
  GgufWriter writer = TinyVocabulary().Writer();
  writer.AddBool("tokenizer.ggml.add_eos_token", true);
  EXPECT_THAT(std::string(ErrorOf(writer).message()),
              HasSubstr("the end token is to be added, but 'tokenizer.ggml.eos_token_id'"));
}

TEST(TokenizerErrorsTest, ATextOfTooManyTokensIsRefused) {
  const auto tokenizer = MakeTokenizer({});
  const std::string text(1000, 'a');
  EXPECT_TRUE(tokenizer->Encode(text, {.tokens_max = 1000}).ok());
  for (size_t tokens_max : {size_t{999}, size_t{10}, size_t{0}}) {
    const absl::Status status = tokenizer->Encode(text, {.tokens_max = tokens_max}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("more than the " + std::to_string(tokens_max) + " tokens"));
  }
}

}  // namespace
}  // namespace oriel
