#include "engine/tokenizer/vocabulary.h"

#include <utility>

#include "engine/files/gguf_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temporary_file.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<Vocabulary> Read(const std::vector<std::string>& tokens,
                                const std::vector<int32_t>& kinds) {
  GgufWriter writer;
  writer.AddStringArray("tokenizer.ggml.tokens", tokens);
  if (!kinds.empty()) writer.AddInt32Array("tokenizer.ggml.token_type", kinds);
  const TemporaryFile written(writer.Bytes());
  const absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
  EXPECT_TRUE(file.ok()) << file.status();
  return Vocabulary::FromGguf(file->metadata());
}

std::string ErrorOf(const std::vector<std::string>& tokens, const std::vector<int32_t>& kinds) {
  return std::string(Read(tokens, kinds).status().message());
}

TEST(VocabularyTest, ATokensBytesDependOnItsKind) {
  const absl::StatusOr<Vocabulary> vocabulary =
      Read({"Ġa", "<unk>", "<|Ġ|>", "<tool>", "[PAD1]", "<0x0A>", "<0xZZ>"}, {1, 2, 3, 4, 5, 6, 6});
  ASSERT_TRUE(vocabulary.ok()) << vocabulary.status();
  EXPECT_EQ(vocabulary->size(), 7);
  EXPECT_EQ(vocabulary->Bytes(0), " a");
  EXPECT_EQ(vocabulary->Text(0), "Ġa");
  EXPECT_EQ(vocabulary->Bytes(1), "<unk>");
  EXPECT_EQ(vocabulary->Bytes(2), "<|Ġ|>");
  EXPECT_EQ(vocabulary->Bytes(3), "<tool>");
  EXPECT_EQ(vocabulary->Bytes(4), "");
  EXPECT_EQ(vocabulary->Bytes(5), "\n");
  EXPECT_EQ(vocabulary->Bytes(6), "<0xZZ>");
  EXPECT_EQ(vocabulary->longest_token_bytes(), 6u);
}

TEST(VocabularyTest, FindsTokensByTextAlsoAfterAMove) {
  absl::StatusOr<Vocabulary> vocabulary = Read({"a", "bc"}, {});
  ASSERT_TRUE(vocabulary.ok()) << vocabulary.status();
  const Vocabulary moved = std::move(*vocabulary);
  EXPECT_EQ(moved.Find("bc"), 1);
  EXPECT_EQ(moved.Find("c"), std::nullopt);
  EXPECT_EQ(moved.Kind(1), TokenKind::kNormal);
  EXPECT_TRUE(moved.Contains(1));
  EXPECT_FALSE(moved.Contains(2));
  EXPECT_FALSE(moved.Contains(-1));
}

TEST(VocabularyTest, RefusesWhatCannotBeAVocabulary) {
  EXPECT_THAT(ErrorOf({}, {}), HasSubstr("has 0 tokens, must be 1 to 1048576"));
  EXPECT_THAT(ErrorOf({"a", "b"}, {1}), HasSubstr("has 1 entries, but there are 2 tokens"));
  EXPECT_THAT(ErrorOf({"a"}, {7}), HasSubstr("token 0 has the unknown type 7"));
  EXPECT_THAT(ErrorOf({"a", "b", "a"}, {}), HasSubstr("tokens 0 and 2 have the same text"));
  EXPECT_THAT(ErrorOf({std::string(5000, 'a')}, {}),
              HasSubstr("token 0 has 5000 bytes of text, at most 4096 are allowed"));
}

TEST(VocabularyTest, AMarkedTokenIsWrittenAsItIs) {
  absl::StatusOr<Vocabulary> vocabulary = Read({"<|Ġ|>"}, {1});
  ASSERT_TRUE(vocabulary.ok()) << vocabulary.status();
  EXPECT_EQ(vocabulary->Bytes(0), "<| |>");
  vocabulary->MarkControl(0);
  EXPECT_EQ(vocabulary->Bytes(0), "<|Ġ|>");
  EXPECT_EQ(vocabulary->Kind(0), TokenKind::kControl);
}

}  // namespace
}  // namespace oriel
