#include "engine/model/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/temporary_file.h"
#include "tests/support/tiny_model.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<ModelConfig> Read(const GgufWriter& writer) {
  const TemporaryFile written(writer.Bytes());
  absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
  if (!file.ok()) return file.status();
  return ReadModelConfig(*file);
}

TEST(ModelConfigTest, ReadsAllHyperParameters) {
  const absl::StatusOr<ModelConfig> config = Read(MakeTinyModel(
      {.layers = 3, .hidden = 192, .q_heads = 6, .kv_heads = 2, .context_tokens = 777}));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->architecture, "llama");
  EXPECT_EQ(config->layers, 3);
  EXPECT_EQ(config->hidden, 192);
  EXPECT_EQ(config->feed_forward, 256);
  EXPECT_EQ(config->q_heads, 6);
  EXPECT_EQ(config->kv_heads, 2);
  EXPECT_EQ(config->head_dim, 64);
  EXPECT_EQ(config->context_tokens, 777);
  EXPECT_EQ(config->vocab, kTinyModelVocab);
  EXPECT_EQ(config->rope_pairs, RopePairs::kAdjacent);
  ASSERT_EQ(config->inverse_frequencies.size(), 32u);
  EXPECT_DOUBLE_EQ(config->inverse_frequencies[8], std::pow(10000.0, -16.0 / 64.0));
}

TEST(ModelConfigTest, Qwen2RotatesHalves) {
  const absl::StatusOr<ModelConfig> config = Read(MakeTinyModel({.architecture = "qwen2"}));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->rope_pairs, RopePairs::kHalves);
}

TEST(ModelConfigTest, LinearScalingDividesTheFrequencies) {
  GgufWriter writer = MakeTinyModel({});
  writer.AddString("llama.rope.scaling.type", "linear");
  writer.AddFloat32("llama.rope.scaling.factor", 4.0f);
  const absl::StatusOr<ModelConfig> config = Read(writer);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_DOUBLE_EQ(config->inverse_frequencies[0], 0.25);
}

struct BadModel {
  const char* name;
  TinyModelSpec spec;
  std::function<void(GgufWriter&)> change;
  const char* message;
};

TEST(ModelConfigTest, NamesWhatItCannotServe) {
  const std::vector<BadModel> table = {
      {"architecture", {.architecture = "mamba"}, {}, "architecture \"mamba\" is not supported"},
      {"no layers", {.layers = 0}, {}, "llama.block_count is 0, it must be 1 to 1024"},
      {"head_dim", {.hidden = 96, .head_dim = 96}, {}, "head_dim is 96; supported: 64, 128"},
      {"ratio", {.q_heads = 3, .kv_heads = 2}, {}, "3 query heads over 2 KV heads"},
      {"too many query heads", {.q_heads = 17}, {}, "17 query heads over 1 KV heads"},
      {"scaling",
       {},
       [](GgufWriter& w) { w.AddString("llama.rope.scaling.type", "yarn"); },
       "llama.rope.scaling.type \"yarn\" is not supported"},
      {"odd rotation",
       {},
       [](GgufWriter& w) { w.AddUint32("llama.rope.dimension_count", 33); },
       "rope.dimension_count is 33, it must be even"},
      {"rope divisors",
       {},
       [](GgufWriter& w) {
         const std::vector<float> divisors(8, 1.0f);
         w.AddTensor("rope_freqs.weight", DType::kF32, {8}, std::as_bytes(std::span(divisors)));
       },
       "rope_freqs.weight must be 32 values of type F32, it is 8"},
  };
  for (const BadModel& bad : table) {
    GgufWriter writer = MakeTinyModel(bad.spec);
    if (bad.change) bad.change(writer);
    EXPECT_THAT(Read(writer).status().ToString(), HasSubstr(bad.message)) << bad.name;
  }
}

}  // namespace
}  // namespace oriel
