#ifndef ORIEL_ENGINE_MODEL_TRANSFORMER_H_
#define ORIEL_ENGINE_MODEL_TRANSFORMER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "engine/model/model.h"
#include "engine/model/weights.h"
#include "kernels/ops/backend.h"

namespace oriel {

// A decoder of the llama family: pre-norm, rotary grouped-query attention, gated feed-forward.
// llama and qwen2 differ only in what configuration and weights say (rotation pairs, biases, tied
// embedding).
//
// Lifecycle   `backend` and the file behind the weights outlive it. Activations for max_step_tokens
//             are allocated in Make.
// Threads     one thread at a time.
class Transformer : public Model {
 public:
  static absl::StatusOr<std::unique_ptr<Transformer>> Make(ModelConfig config, ModelWeights weights,
                                                           Backend& backend,
                                                           int32_t max_step_tokens);

  const ModelConfig& config() const override { return config_; }
  int32_t max_step_tokens() const override { return max_step_tokens_; }
  absl::Status Forward(const BatchInputs& inputs, const KvStorage& storage,
                       Stream& stream) override;
  absl::Duration total_seal_time() const override { return total_seal_time_; }
  absl::Status ComputeLogits(TensorView<const int32_t, 1> rows, TensorView<float, 2> logits,
                             Stream& stream) override;

 private:
  // The activations of a step; each view covers the step's tokens.
  struct Activations {
    TensorView<float, 2> residual;   // [tokens, hidden]
    TensorView<float, 2> normed;     // [tokens, hidden]
    TensorView<float, 2> qkv;        // [tokens, (q_heads + 2 * kv_heads) * head_dim]
    TensorView<float, 3> queries;    // [tokens, q_heads, head_dim]
    TensorView<float, 3> attention;  // [tokens, q_heads, head_dim]
    TensorView<float, 2> gate;       // [tokens, feed_forward]
    TensorView<float, 2> up;         // [tokens, feed_forward]
    TensorView<float, 2> cosines;    // [tokens, pairs]
    TensorView<float, 2> sines;      // [tokens, pairs]
  };

  Transformer(ModelConfig config, ModelWeights weights, Backend& backend, int32_t max_step_tokens)
      : config_(std::move(config)),
        weights_(std::move(weights)),
        backend_(backend),
        max_step_tokens_(max_step_tokens) {}

  absl::Status AllocateActivations();
  Activations ViewActivations(int64_t tokens) const;
  absl::Status Attention(const LayerWeights& layer, const BatchInputs& inputs,
                         const KvLayerStorage& cache, const Activations& x, Stream& stream);
  absl::Status Seal(const BatchInputs& inputs, const KvLayerStorage& cache, Stream& stream);
  absl::Status FeedForward(const LayerWeights& layer, const Activations& x, Stream& stream);

  ModelConfig config_;
  ModelWeights weights_;
  Backend& backend_;
  int32_t max_step_tokens_;

  Buffer inverse_frequencies_;
  Buffer residual_, normed_, qkv_, queries_, attention_, gate_, up_, cosines_, sines_;
  Buffer logits_rows_;  // [rows, hidden]: the rows of `normed_` that ComputeLogits multiplies
  int64_t forwarded_tokens_ = 0;
  absl::Duration total_seal_time_;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_MODEL_TRANSFORMER_H_
