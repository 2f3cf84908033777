#ifndef ORIEL_KERNELS_OPS_ROPE_ANGLES_H_
#define ORIEL_KERNELS_OPS_ROPE_ANGLES_H_

#include <cstdint>

#include "kernels/core/tensor_view.h"

namespace oriel {

// Cosines and sines of rotary position embedding, once a step; every layer reads them
// (kv_append.h).
//
//   cosines[t, i] = magnitude * cos(positions[t] * inverse_frequencies[i]), sines alike
//
// Shapes      positions [tokens] int32; inverse_frequencies [pairs] double; cosines, sines [tokens,
//             pairs] float
// Limits      0 <= positions < 2^31; pairs <= 64.
// Aliasing    none allowed. Stream enqueued on `stream`.
// Errors      InvalidArgument: shapes differ.
// Numerics    The angle is a double product; every back end agrees to 1e-6.
// Cost        bytes: 8 * tokens * pairs. Source Su et al., arXiv 2104.09864; `magnitude` is YaRN's
//             attention factor (arXiv 2309.00071), else 1.
struct RopeAnglesArgs {
  TensorView<const int32_t, 1> positions;
  TensorView<const double, 1> inverse_frequencies;
  float magnitude = 1.0f;
  TensorView<float, 2> cosines;
  TensorView<float, 2> sines;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_ROPE_ANGLES_H_
