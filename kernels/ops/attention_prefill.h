#ifndef ORIEL_KERNELS_OPS_ATTENTION_PREFILL_H_
#define ORIEL_KERNELS_OPS_ATTENTION_PREFILL_H_

#include "kernels/ops/attention.h"

namespace oriel {

// Attention of a chunk of prompt tokens, each query over the view of its own position.
//
// The formula is that of attention_decode.h for every query of every view. Queries of one chunk can
// see one page in both forms: early ones in FP16 (window or scratch), late ones packed.
//
// Shapes      attention.h; every view of `step` has scratch rows
// Limits      views <= 4096; 1 <= q_heads / kv_heads <= 16; head_dim 64 or 128; format.groups == 1.
// Aliasing    out may not overlap an input.
// Stream      enqueued on `stream`. Allocates nothing after the first call.
// Errors      InvalidArgument names the field, its value and its limit.
// Numerics    As attention_decode.h. A query's sums have one order, by position and in blocks of
//             one page, so the result is the same bits whatever the chunk or the batch.
// Cost        4 * head_dim * q_heads * (tokens seen) operations; a page is unpacked once a work
//             item (one KV head, a tile of queries), in a buffer of one page.
// Source      Online softmax: Milakov and Gimelshein, arXiv 1805.02867; the positional view is ours
//             (engine/README.md).
using AttentionPrefillArgs = AttentionArgs;

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_ATTENTION_PREFILL_H_
