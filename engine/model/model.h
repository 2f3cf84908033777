#ifndef ORIEL_ENGINE_MODEL_MODEL_H_
#define ORIEL_ENGINE_MODEL_MODEL_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "engine/kv_cache/kv_storage.h"
#include "engine/model/batch_inputs.h"
#include "engine/model/model_config.h"
#include "kernels/core/stream.h"
#include "kernels/core/tensor_view.h"

namespace oriel {

// Token ids in, hidden states and logits out; keys and values go to the cache on the way.
//
// Lifecycle   made once, lives until serving ends; activations are allocated at construction for a
//             fixed number of tokens.
// Threads     one thread at a time.
// Errors      InvalidArgument: more tokens than max_step_tokens(), or a view outside the storage.
class Model {
 public:
  virtual ~Model() = default;

  virtual const ModelConfig& config() const = 0;

  // Tokens that one Forward takes at most.
  virtual int32_t max_step_tokens() const = 0;

  // Runs all layers on the step's tokens: writes their keys and values, seals the pages that fall
  // due, and keeps the final (normed) hidden states until the next Forward.
  virtual absl::Status Forward(const BatchInputs& inputs, const KvStorage& storage,
                               Stream& stream) = 0;

  // Time that Forward has spent in sealing since the model was made; zero if it is not measured.
  virtual absl::Duration total_seal_time() const { return absl::ZeroDuration(); }

  // Logits of the given rows of the last Forward: logits [rows, vocab] float.
  virtual absl::Status ComputeLogits(TensorView<const int32_t, 1> rows, TensorView<float, 2> logits,
                                     Stream& stream) = 0;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_MODEL_MODEL_H_
