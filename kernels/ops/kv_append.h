#ifndef ORIEL_KERNELS_OPS_KV_APPEND_H_
#define ORIEL_KERNELS_OPS_KV_APPEND_H_

#include <cstdint>

#include "kernels/core/tensor_view.h"
#include "kernels/ops/kv_view.h"

namespace oriel {

// Which channels of a head rotate together.
enum class RopePairs : uint8_t {
  kAdjacent,  // (2i, 2i + 1): llama in GGUF
  kHalves,    // (i, i + rotary / 2): qwen2 and most others
};

// Rotates this step's queries and keys, brings them into the key and value bases and writes keys
// and values where this step and later ones read them.
//
// For every query row of every view, at position t, with R the rotation of `pairs` at t:
//   queries[row, h] = T_k R q[row, h]          T_k of the KV head h / (q_heads / kv_heads)
//   key  [row, k]   = T_k R k[row, k]          rounded to half
//   value[row, k]   = T_v v[row, k]            rounded to half
// T is the head's transform in storage.format: the identity, or the Hadamard matrix in Sylvester
// order divided by sqrt(head_dim), which is its own inverse transpose. A key and value row is
// written to
//   the scratch row of the token, if the view has scratch (prompt);
//   its window page, if 64 * NumPackedPages(last_position of the view) <= t (it outlives the step);
//   the sink slot, if t < sink_tokens.
//
// Shapes (row-major)
//   qkv             [tokens, (q_heads + 2 * kv_heads) * head_dim]  float: a token's queries, keys
//                   and values side by side
//   cosines, sines  [tokens, pairs]  float (rope_angles.h); other channels do not rotate
//   queries         [tokens, q_heads, head_dim]  float
// Limits      head_dim 64 or 128; 1 <= q_heads / kv_heads <= 16, whole.
// Aliasing    queries may not overlap qkv.
// Stream      enqueued on `stream`.
// Errors      InvalidArgument names the field, its value and its limit.
// Numerics    float; every back end agrees to 1e-5 of a row's norm before rounding to half. A row's
//             result does not depend on the batch.
// Cost        bytes: 4 * tokens * (2 * q_heads + 2 * kv_heads) * head_dim + what is written in
//             half.
// Source      RoPE: arXiv 2104.09864; keys cached after it in a transformed basis: ours
//             (kernels/README.md).
struct KvAppendArgs {
  TensorView<const float, 2> qkv;
  TensorView<const float, 2> cosines;
  TensorView<const float, 2> sines;
  RopePairs pairs = RopePairs::kHalves;
  TensorView<float, 3> queries;
  const KvStepView* step = nullptr;         // not null
  const KvLayerStorage* storage = nullptr;  // not null
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_KV_APPEND_H_
