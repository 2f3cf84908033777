#ifndef ORIEL_KERNELS_OPS_ATTENTION_H_
#define ORIEL_KERNELS_OPS_ATTENTION_H_

#include "kernels/core/tensor_view.h"
#include "kernels/ops/kv_view.h"

namespace oriel {

// What both attention ops take: attention_decode.h and attention_prefill.h say how each reads it.
//
// Shapes (row-major)
//   queries   [tokens, q_heads, head_dim]  float, in the key basis (kv_append.h brings them there)
//   out       [tokens, q_heads, head_dim]  float, in the model's basis: the value
//             transform is undone
struct AttentionArgs {
  TensorView<const float, 3> queries;
  TensorView<float, 3> out;
  const KvStepView* step = nullptr;         // not null; the views to serve
  const KvLayerStorage* storage = nullptr;  // not null
  float softmax_scale = 0.0f;               // applied to q . k
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_ATTENTION_H_
