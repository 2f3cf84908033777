#ifndef ORIEL_KERNELS_OPS_RMS_NORM_H_
#define ORIEL_KERNELS_OPS_RMS_NORM_H_

#include "kernels/core/tensor_view.h"

namespace oriel {

// Root-mean-square norm of each row.
//
//   out[t, c] = input[t, c] * weight[c] / sqrt(mean_c(input[t, c]^2) + epsilon)
//
// Shapes      input, out [tokens, hidden] float, strided rows allowed; weight [hidden] float
// Limits      hidden a multiple of 16, at most 65 536; epsilon > 0.
// Aliasing    out may be the input itself.
// Stream      enqueued on `stream`.
// Errors      InvalidArgument: shapes differ.
// Numerics    Reference in double. CPU and CUDA: relative error <= 1e-5; a row's sum has one order.
// Cost        bytes: 8 * tokens * hidden.
// Source      Zhang and Sennrich, arXiv 1910.07467.
struct RmsNormArgs {
  TensorView<const float, 2> input;
  TensorView<const float, 1> weight;
  TensorView<float, 2> out;
  float epsilon = 1e-5f;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_RMS_NORM_H_
