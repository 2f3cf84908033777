#ifndef ORIEL_KERNELS_CPU_MAT_MUL_FLOATS_H_
#define ORIEL_KERNELS_CPU_MAT_MUL_FLOATS_H_

#include <cstddef>
#include <cstdint>

#include "kernels/core/tensor_view.h"
#include "kernels/ops/mat_mul.h"

namespace oriel {

// The product of F32, F16 and BF16 weights with the float input itself, for rows [first_row,
// first_row + rows) of the term. An output is the sum of 32 running sums, one for each column
// modulo 32, added in a fixed tree: the same bits in any batch.
void MultiplyFloatRows(const TensorView<const float, 2>& input, const MatMulTerm& term,
                       int64_t first_row, int64_t rows);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_MAT_MUL_FLOATS_H_
