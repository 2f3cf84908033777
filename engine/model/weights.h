#ifndef ORIEL_ENGINE_MODEL_WEIGHTS_H_
#define ORIEL_ENGINE_MODEL_WEIGHTS_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/files/gguf_file.h"
#include "engine/model/model_config.h"
#include "kernels/core/buffer.h"
#include "kernels/core/tensor_view.h"
#include "kernels/ops/backend.h"

namespace oriel {

// A weight vector in float, on the device.
struct VectorWeight {
  Buffer memory;
  int64_t size = 0;  // 0: the model has none

  TensorView<const float, 1> view() const {
    return {size == 0 ? nullptr : memory.as<const float>(), {size}};
  }
};

// One decoder layer. Shapes as [rows, columns]; biases are empty where the architecture has none.
struct LayerWeights {
  VectorWeight attention_norm;     // [hidden]
  std::unique_ptr<Matrix> query;   // [q_heads * head_dim, hidden]
  std::unique_ptr<Matrix> key;     // [kv_heads * head_dim, hidden]
  std::unique_ptr<Matrix> value;   // [kv_heads * head_dim, hidden]
  VectorWeight query_bias;         // [q_heads * head_dim]
  VectorWeight key_bias;           // [kv_heads * head_dim]
  VectorWeight value_bias;         // [kv_heads * head_dim]
  std::unique_ptr<Matrix> output;  // [hidden, q_heads * head_dim]
  VectorWeight feed_forward_norm;  // [hidden]
  std::unique_ptr<Matrix> gate;    // [feed_forward, hidden]
  std::unique_ptr<Matrix> up;      // [feed_forward, hidden]
  std::unique_ptr<Matrix> down;    // [hidden, feed_forward]
};

// All weights of a model. Matrices may point into the file's mapping, which outlives them.
struct ModelWeights {
  std::unique_ptr<Matrix> embedding;  // [vocab, hidden]
  std::unique_ptr<Matrix> output;     // [vocab, hidden]; null: the embedding is tied
  VectorWeight output_norm;           // [hidden]
  std::vector<LayerWeights> layers;

  const Matrix& logits_matrix() const { return output != nullptr ? *output : *embedding; }
};

// NotFound / InvalidArgument names the tensor, its shape or type, and what was expected.
absl::StatusOr<ModelWeights> LoadWeights(const GgufFile& file, const ModelConfig& config,
                                         Backend& backend);

}  // namespace oriel

#endif  // ORIEL_ENGINE_MODEL_WEIGHTS_H_
