#ifndef ORIEL_KERNELS_OPS_ATTENTION_DECODE_H_
#define ORIEL_KERNELS_OPS_ATTENTION_DECODE_H_

#include "kernels/ops/attention.h"

namespace oriel {

// Attention of one new token a sequence over all that its view holds: sinks, packed pages, FP16
// window.
//
// For query head h of KV head k = h / (q_heads / kv_heads), a view's only query at position t:
//   out[row, h] = T_v^T sum_j p_j v_j
//   p = softmax_j(softmax_scale * (q[row, h] . key_j)),   j = 0 … t
// where token j is read as kv_view.h says; key_j is the decoded row plus the page centre for a
// packed token, the FP16 row otherwise; T_v is the head's value transform.
//
// Shapes      attention.h; every view of `step` is a decode view
// Limits      views <= 4096; 1 <= q_heads / kv_heads <= 16; head_dim 64 or 128; format.groups == 1.
// Aliasing    out may not overlap an input.
// Stream      enqueued on `stream`. Allocates nothing.
// Errors      InvalidArgument names the field, its value and its limit.
// Numerics    Reference: real q and p over decoded values, double. CPU and CUDA: |out - reference|
//             <= 2e-3 of the row's norm, also when one key outweighs 200 000 others together. A
//             view's sums have one order, by position (sinks, packed pages, FP16 pages), whatever
//             the batch holds.
// Cost        bytes: sum over views and KV heads of head_page_bytes * packed pages + 4 * head_dim *
//             FP16 tokens. Bound: memory.
// Source      SKVQ (arXiv 2405.06219) section 3; integer products on codes and the page's own
//             reference of p are ours (kernels/README.md).
using AttentionDecodeArgs = AttentionArgs;

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_ATTENTION_DECODE_H_
