#ifndef ORIEL_ENGINE_MODEL_MODEL_CONFIG_H_
#define ORIEL_ENGINE_MODEL_MODEL_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/files/gguf_file.h"
#include "kernels/ops/kv_append.h"

namespace oriel {

// The shape of a transformer, as its file says it.
struct ModelConfig {
  std::string architecture;  // "llama", "qwen2"
  std::string name;          // general.name, may be empty
  int32_t layers = 0;
  int32_t hidden = 0;
  int32_t feed_forward = 0;
  int32_t q_heads = 0;
  int32_t kv_heads = 0;
  int32_t head_dim = 0;
  int32_t context_tokens = 0;  // positions the model was trained for
  int32_t vocab = 0;
  float rms_epsilon = 1e-5f;
  RopePairs rope_pairs = RopePairs::kHalves;
  std::vector<double> inverse_frequencies;  // [pairs], scaling applied
  float rope_magnitude = 1.0f;
};

// Reads and bounds-checks the hyper-parameters. InvalidArgument or Unimplemented names the key, its
// value and what is supported.
absl::StatusOr<ModelConfig> ReadModelConfig(const GgufFile& file);

}  // namespace oriel

#endif  // ORIEL_ENGINE_MODEL_MODEL_CONFIG_H_
