// The tokenizer on published model files. Needs them in ORIEL_MODEL_DIR or ~/.cache/oriel/models.

#include <ctime>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/tokenizer/detokenizer.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/golden_cases.h"
#include "tests/support/model_files.h"

namespace oriel {
namespace {

using ::testing::ElementsAre;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kSlowdown = 10.0;  // of instrumented builds
#else
constexpr double kSlowdown = 1.0;
#endif

struct Model {
  std::string name;
  std::string file_name;
  std::string golden;  // the end of the golden files' names
};

std::string NameOfCase(const testing::TestParamInfo<Model>& info) { return info.param.name; }

class TokenizerModelTest : public testing::TestWithParam<Model> {
 protected:
  void SetUp() override {
    const std::string path = ModelPath(GetParam().file_name);
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no model file " << path;
    const absl::StatusOr<GgufFile> file = GgufFile::Open(path);
    ASSERT_TRUE(file.ok()) << file.status();
    absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::FromGguf(*file);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    tokenizer_ = std::move(tokenizer).value();
  }

  std::vector<TokenId> Encode(std::string_view text, const EncodeOptions& options = {}) const {
    absl::StatusOr<std::vector<TokenId>> ids = tokenizer_->Encode(text, options);
    EXPECT_TRUE(ids.ok()) << ids.status();
    return std::move(ids).value();
  }

  void ExpectGolden(const std::string& file_name) const {
    const nlohmann::json golden = ReadGolden(file_name);
    for (const nlohmann::json& item : golden["cases"]) {
      const std::string text = item["text"];
      const std::vector<TokenId> expected = item["ids"];
      EXPECT_EQ(Encode(text, {.parse_special_tokens = item["special"]}), expected)
          << file_name << ": " << item["name"];
    }
    EXPECT_GE(golden["cases"].size(), 7u);
  }

  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_P(TokenizerModelTest, GivesTheIdsThatLlamaCppGave) {
  ExpectGolden("recorded_" + GetParam().golden + ".json");
}

TEST_P(TokenizerModelTest, GivesTheIdsOfTheTokenizersPackage) {
  ExpectGolden("generated_" + GetParam().golden + ".json");
}

TEST_P(TokenizerModelTest, TextsComeBackAndStreamAsTheyAre) {
  std::map<std::string, std::string> texts = GoldenTexts();
  for (const char* file :
       {"moby_dick_chapter_41.txt", "moby_dick_etymology.txt", "war_and_peace_chapter_1.txt"}) {
    texts[file] = ReadSourceFile(std::string("tests/data/") + file);
  }
  for (const auto& [name, text] : texts) {
    const std::vector<TokenId> ids = Encode(text, {.parse_special_tokens = false});
    EXPECT_EQ(tokenizer_->Decode(ids, {}), text) << name;
    Detokenizer detokenizer(*tokenizer_, {});
    std::string streamed;
    for (TokenId id : ids) streamed += detokenizer.Append(id);
    EXPECT_EQ(streamed + detokenizer.Finish(), text) << name;
  }
}

// Bytes that the vocabulary has no token for are left out; all others come back, in order.
TEST_P(TokenizerModelTest, RandomBytesComeBackWithoutThoseThatHaveNoToken) {
  std::array<bool, 256> has_token{};
  for (int byte = 0; byte < 256; ++byte) {
    has_token[static_cast<size_t>(byte)] = !Encode(std::string(1, static_cast<char>(byte))).empty();
  }
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    std::string text(random() % 100, '\0');
    for (char& byte : text) byte = static_cast<char>(random());
    std::string expected;
    for (char byte : text) {
      if (has_token[static_cast<uint8_t>(byte)]) expected.push_back(byte);
    }
    EXPECT_EQ(tokenizer_->Decode(Encode(text), {}), expected);
  }
}

TEST_P(TokenizerModelTest, EveryTokenDecodesAloneAsInASequence) {
  std::vector<TokenId> ids;
  std::string text;
  for (TokenId id = 0; id < tokenizer_->vocab_size(); ++id) {
    ids.push_back(id);
    text += tokenizer_->TokenBytes(id);
  }
  EXPECT_EQ(tokenizer_->Decode(ids, {.skip_special_tokens = false}), text);
}

TEST_P(TokenizerModelTest, AMegabyteIsQuickWhateverItHolds) {
  constexpr size_t kTextBytes = size_t{1} << 20;
  std::string prose;
  while (prose.size() < kTextBytes) prose += ReadSourceFile("tests/data/moby_dick_chapter_41.txt");
  std::string emoji;
  while (emoji.size() < kTextBytes) emoji += "😀";
  const std::map<std::string, std::string> texts = {{"one letter", std::string(kTextBytes, 'a')},
                                                    {"spaces", std::string(kTextBytes, ' ')},
                                                    {"brackets", std::string(kTextBytes, '<')},
                                                    {"invalid", std::string(kTextBytes, '\xFF')},
                                                    {"prose", prose},
                                                    {"emoji", emoji}};
  for (const auto& [name, text] : texts) {
    const std::clock_t start = std::clock();
    const std::vector<TokenId> ids = Encode(text);
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    EXPECT_LT(seconds, 2.0 * kSlowdown) << name;
    RecordProperty(name, std::to_string(seconds));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Published, TokenizerModelTest,
    testing::Values(Model{"SmolLM2", "SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2"},
                    Model{"Qwen05", "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf", "qwen2"},
                    Model{"Qwen15", "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf", "qwen2"}),
    NameOfCase);

class SmolLm2TokenizerTest : public TokenizerModelTest {};

TEST_P(SmolLm2TokenizerTest, KnowsItsSpecialTokens) {
  EXPECT_EQ(tokenizer_->bos_id(), 1);
  EXPECT_EQ(tokenizer_->eos_id(), 2);
  EXPECT_FALSE(tokenizer_->adds_bos());
  EXPECT_EQ(tokenizer_->pre_tokenizer_name(), "smollm");
  EXPECT_THAT(tokenizer_->end_of_generation_ids(), ElementsAre(0, 2, 4));
}

TEST_P(SmolLm2TokenizerTest, TheLongTestTextHasMoreThan4500Tokens) {
  EXPECT_GT(Encode(ReadSourceFile("tests/data/moby_dick_chapter_41.txt")).size(), 4500u);
}

INSTANTIATE_TEST_SUITE_P(Published, SmolLm2TokenizerTest,
                         testing::Values(Model{"SmolLM2", "SmolLM2-135M-Instruct.Q4_1.gguf",
                                               "smollm2"}),
                         NameOfCase);

class Qwen2TokenizerTest : public TokenizerModelTest {};

TEST_P(Qwen2TokenizerTest, KnowsItsSpecialTokens) {
  EXPECT_EQ(tokenizer_->eos_id(), 151645);
  EXPECT_FALSE(tokenizer_->adds_bos());
  EXPECT_EQ(tokenizer_->pre_tokenizer_name(), "qwen2");
  // 128247 is </s>, which the file lists as a normal token.
  EXPECT_THAT(tokenizer_->end_of_generation_ids(),
              ElementsAre(128247, 151643, 151645, 151662, 151663, 151664));
  EXPECT_TRUE(tokenizer_->IsSpecial(151644));
  EXPECT_FALSE(tokenizer_->IsSpecial(151657));
}

INSTANTIATE_TEST_SUITE_P(Published, Qwen2TokenizerTest,
                         testing::Values(Model{"Qwen05", "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf",
                                               "qwen2"}),
                         NameOfCase);

}  // namespace
}  // namespace oriel
