// The reader on model files as they are published. Needs them in ORIEL_MODEL_DIR or
// ~/.cache/oriel/models.

#include <filesystem>
#include <string>

#include "engine/files/gguf_file.h"
#include "gtest/gtest.h"
#include "tests/support/model_files.h"

namespace oriel {
namespace {

struct Model {
  std::string name;
  std::string file_name;
  std::string architecture;
  uint64_t num_layers;
  size_t num_tensors;
};

std::string NameOfCase(const testing::TestParamInfo<Model>& info) { return info.param.name; }

class GgufModelTest : public testing::TestWithParam<Model> {};

TEST_P(GgufModelTest, OpensWithItsShape) {
  const std::string path = ModelPath(GetParam().file_name);
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no model file " << path;
  const absl::StatusOr<GgufFile> file = GgufFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  const std::string& architecture = GetParam().architecture;
  EXPECT_EQ(*file->metadata().GetString("general.architecture"), architecture);
  EXPECT_EQ(*file->metadata().GetUint(architecture + ".block_count"), GetParam().num_layers);
  EXPECT_EQ(file->tensors().size(), GetParam().num_tensors);
  const uint64_t hidden = *file->metadata().GetUint(architecture + ".embedding_length");
  const GgufTensor* embedding = file->FindTensor("token_embd.weight");
  ASSERT_NE(embedding, nullptr);
  EXPECT_EQ(static_cast<uint64_t>(embedding->dims[0]), hidden);
  EXPECT_EQ(static_cast<size_t>(embedding->dims[1]),
            file->metadata().GetStringArray("tokenizer.ggml.tokens")->size());
}

INSTANTIATE_TEST_SUITE_P(
    Published, GgufModelTest,
    testing::Values(Model{"SmolLM2", "SmolLM2-135M-Instruct.Q4_1.gguf", "llama", 30, 272},
                    Model{"Qwen05", "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf", "qwen2", 24, 291},
                    Model{"Qwen15", "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf", "qwen2", 28, 339}),
    NameOfCase);

}  // namespace
}  // namespace oriel
