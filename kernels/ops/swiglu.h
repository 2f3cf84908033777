#ifndef ORIEL_KERNELS_OPS_SWIGLU_H_
#define ORIEL_KERNELS_OPS_SWIGLU_H_

#include "kernels/core/tensor_view.h"

namespace oriel {

// The gated activation of the feed-forward part: out = silu(gate) * up, silu(x) = x / (1 +
// exp(-x)).
//
// Shapes      gate, up, out [tokens, width] float, strided rows allowed
// Limits      none
// Aliasing    out may be gate or up itself.
// Stream      enqueued on `stream`.
// Errors      InvalidArgument: shapes differ.
// Numerics    Reference in double. CPU and CUDA: relative error <= 1e-5.
// Cost        bytes: 12 * tokens * width.
// Source      Shazeer, arXiv 2002.05202.
struct SwigluArgs {
  TensorView<const float, 2> gate;
  TensorView<const float, 2> up;
  TensorView<float, 2> out;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_SWIGLU_H_
