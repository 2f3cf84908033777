#include "engine/model/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "kernels/reference/reference_backend.h"
#include "tests/support/temporary_file.h"
#include "tests/support/tiny_model.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

class WeightsTest : public ::testing::Test {
 protected:
  absl::StatusOr<ModelWeights> Load(const TinyModelSpec& spec, const ModelConfig* other = nullptr) {
    const TemporaryFile written(MakeTinyModel(spec).Bytes());
    absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
    if (!file.ok()) return file.status();
    absl::StatusOr<ModelConfig> config = ReadModelConfig(*file);
    if (!config.ok()) return config.status();
    file_ = std::make_unique<GgufFile>(*std::move(file));
    return LoadWeights(*file_, other != nullptr ? *other : *config, *backend_);
  }

  std::unique_ptr<Backend> backend_ = MakeReferenceBackend();
  std::unique_ptr<GgufFile> file_;
};

TEST_F(WeightsTest, LlamaHasNoBiasesAndATiedEmbedding) {
  const absl::StatusOr<ModelWeights> weights = Load({.layers = 2});
  ASSERT_TRUE(weights.ok()) << weights.status();
  ASSERT_EQ(weights->layers.size(), 2u);
  EXPECT_EQ(weights->layers[1].query_bias.size, 0);
  EXPECT_EQ(weights->output, nullptr);
  EXPECT_EQ(&weights->logits_matrix(), weights->embedding.get());
}

TEST_F(WeightsTest, Qwen2HasBiases) {
  const absl::StatusOr<ModelWeights> weights = Load({.architecture = "qwen2"});
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(weights->layers[0].key_bias.size, 64);
}

TEST_F(WeightsTest, NamesATensorOfAnotherShape) {
  ASSERT_TRUE(Load({}).ok());
  absl::StatusOr<ModelConfig> config = ReadModelConfig(*file_);
  ASSERT_TRUE(config.ok());
  config->feed_forward = 512;
  EXPECT_THAT(Load({}, &*config).status().ToString(),
              HasSubstr("blk.0.ffn_gate.weight is 256 x 128, expected 512 x 128"));
}

TEST_F(WeightsTest, NamesAMissingTensor) {
  ASSERT_TRUE(Load({}).ok());
  absl::StatusOr<ModelConfig> config = ReadModelConfig(*file_);
  ASSERT_TRUE(config.ok());
  config->layers = 3;
  EXPECT_THAT(Load({}, &*config).status().ToString(), HasSubstr("blk.2.attn_norm.weight"));
}

}  // namespace
}  // namespace oriel
