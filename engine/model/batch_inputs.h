#ifndef ORIEL_ENGINE_MODEL_BATCH_INPUTS_H_
#define ORIEL_ENGINE_MODEL_BATCH_INPUTS_H_

#include <cstdint>

#include "kernels/core/tensor_view.h"
#include "kernels/ops/kv_seal.h"
#include "kernels/ops/kv_view.h"

namespace oriel {

// One step as the model sees it: borrowed arrays that live until the stream has passed. Rows of the
// step are its tokens: first those of prompt views, then one a decode view.
struct BatchInputs {
  TensorView<const int32_t, 1> tokens;     // [tokens] ids
  TensorView<const int32_t, 1> positions;  // [tokens] in the token's sequence
  KvStepView all;                          // every view, prompt views first
  KvStepView prompt;                       // the prompt views of `all`
  KvStepView decode;                       // the decode views of `all`
  TensorView<const KvSealItem, 1> seals;   // pages that some query of this step must see packed

  int64_t num_tokens() const { return tokens.dim(0); }
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_MODEL_BATCH_INPUTS_H_
