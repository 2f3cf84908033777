#include "engine/tokenizer/byte_pair_encoder.h"

#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/tiny_tokenizer.h"

namespace oriel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using WholePieces = BytePairEncoder::WholePieces;

// The definition: look at all neighbours, do the merge that is listed first, leftmost, until there
// is none.
std::vector<std::string> EncodeSlowly(std::string_view piece,
                                      const std::vector<std::string>& merges) {
  std::vector<std::string> parts;
  for (char byte : piece) parts.emplace_back(1, byte);
  for (;;) {
    size_t best_rank = merges.size();
    size_t best_place = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      for (size_t rank = 0; rank < best_rank; ++rank) {
        if (merges[rank] != parts[i] + " " + parts[i + 1]) continue;
        best_rank = rank;
        best_place = i;
      }
    }
    if (best_rank == merges.size()) return parts;
    parts[best_place] += parts[best_place + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best_place) + 1);
  }
}

Vocabulary ReadVocabulary(const TinyVocabulary& tiny) {
  const TemporaryFile written(tiny.Writer().Bytes());
  const absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
  EXPECT_TRUE(file.ok()) << file.status();
  absl::StatusOr<Vocabulary> vocabulary = Vocabulary::FromGguf(file->metadata());
  EXPECT_TRUE(vocabulary.ok()) << vocabulary.status();
  return std::move(vocabulary).value();
}

absl::StatusOr<BytePairEncoder> MakeEncoder(const Vocabulary& vocabulary,
                                            const std::vector<std::string>& merges,
                                            WholePieces whole_pieces = WholePieces::kMergeThem) {
  const std::vector<std::string_view> lines(merges.begin(), merges.end());
  return BytePairEncoder::Make(vocabulary, lines, whole_pieces);
}

std::vector<std::string> EncodeToTexts(const BytePairEncoder& encoder, const Vocabulary& vocabulary,
                                       std::string_view piece) {
  BytePairEncoder::Workspace workspace;
  std::vector<TokenId> ids;
  encoder.Encode(piece, workspace, ids);
  std::vector<std::string> texts;
  for (TokenId id : ids) texts.emplace_back(vocabulary.Text(id));
  return texts;
}

// Merges of random pairs over three letters, each result a new token that later merges build on.
std::vector<std::string> RandomMerges(std::mt19937& random, size_t count) {
  std::vector<std::string> parts = {"a", "b", "c"};
  std::vector<std::string> merges;
  while (merges.size() < count) {
    const std::string left = parts[random() % parts.size()];
    const std::string right = parts[random() % parts.size()];
    if (std::find(parts.begin(), parts.end(), left + right) != parts.end()) continue;
    merges.push_back(left + " " + right);
    parts.push_back(left + right);
  }
  return merges;
}

TEST(BytePairEncoderTest, EqualsTheDefinitionOnRandomMergesAndTexts) {
  std::mt19937 random(13);
  for (int round = 0; round < 50; ++round) {
    TinyVocabulary tiny;
    tiny.merges = RandomMerges(random, 12);
    const Vocabulary vocabulary = ReadVocabulary(tiny);
    const absl::StatusOr<BytePairEncoder> encoder = MakeEncoder(vocabulary, tiny.merges);
    ASSERT_TRUE(encoder.ok()) << encoder.status();
    for (int i = 0; i < 20; ++i) {
      std::string piece(1 + random() % 40, 'a');
      for (char& byte : piece) byte = static_cast<char>('a' + random() % 3);
      EXPECT_EQ(EncodeToTexts(*encoder, vocabulary, piece), EncodeSlowly(piece, tiny.merges))
          << piece;
    }
  }
}

TEST(BytePairEncoderTest, TheLeftmostOfEqualMergesComesFirst) {
  TinyVocabulary tiny;
  tiny.merges = {"a a"};
  const Vocabulary vocabulary = ReadVocabulary(tiny);
  const absl::StatusOr<BytePairEncoder> encoder = MakeEncoder(vocabulary, tiny.merges);
  ASSERT_TRUE(encoder.ok()) << encoder.status();
  EXPECT_THAT(EncodeToTexts(*encoder, vocabulary, "aaaaa"), ElementsAre("aa", "aa", "a"));
}

TEST(BytePairEncoderTest, AWholePieceIsTakenFirstOnlyIfAsked) {
  TinyVocabulary tiny;
  tiny.merges = {"b c", "a b", "ab c"};  // "abc" is a token that its merges never reach
  const Vocabulary vocabulary = ReadVocabulary(tiny);
  const absl::StatusOr<BytePairEncoder> merging = MakeEncoder(vocabulary, tiny.merges);
  const absl::StatusOr<BytePairEncoder> taking =
      MakeEncoder(vocabulary, tiny.merges, WholePieces::kTakeThemFirst);
  ASSERT_TRUE(merging.ok() && taking.ok());
  EXPECT_THAT(EncodeToTexts(*merging, vocabulary, "abc"), ElementsAre("a", "bc"));
  EXPECT_THAT(EncodeToTexts(*taking, vocabulary, "abc"), ElementsAre("abc"));
  EXPECT_THAT(EncodeToTexts(*taking, vocabulary, "abca"), ElementsAre("a", "bc", "a"));
}

TEST(BytePairEncoderTest, RefusesAMergeWithoutItsTokens) {
  const Vocabulary vocabulary = ReadVocabulary({});
  EXPECT_THAT(std::string(MakeEncoder(vocabulary, {"a b"}).status().message()),
              HasSubstr("merge 0 ('a b') does not join two tokens"));
  EXPECT_THAT(std::string(MakeEncoder(vocabulary, {"ab"}).status().message()),
              HasSubstr("merge 0 ('ab')"));
  EXPECT_THAT(std::string(MakeEncoder(vocabulary, {""}).status().message()),
              HasSubstr("merge 0 ('')"));
}

}  // namespace
}  // namespace oriel
