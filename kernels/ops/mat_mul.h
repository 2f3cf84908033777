#ifndef ORIEL_KERNELS_OPS_MAT_MUL_H_
#define ORIEL_KERNELS_OPS_MAT_MUL_H_

#include <cstdint>

#include "absl/types/span.h"
#include "kernels/core/tensor_view.h"
#include "kernels/ops/matrix.h"

namespace oriel {

enum class MatMulWrite : uint8_t {
  kStore,  // out = product
  kAdd,    // out += product: the residual stream
};

// One weight that multiplies the shared input.
struct MatMulTerm {
  const Matrix* matrix = nullptr;   // [rows, columns], not null
  TensorView<const float, 1> bias;  // [rows], or data == nullptr for none
  TensorView<float, 2> out;         // [tokens, rows], rows may be strided
  MatMulWrite write = MatMulWrite::kStore;
};

// Products of one input with several weights (query, key and value together; gate and up together).
//
//   out_i[t, r] (+)= sum_c matrix_i[r, c] * input[t, c] + bias_i[r]
//
// Shapes (row-major)
//   input   [tokens, columns]  float, rows 64-byte aligned
//   terms   1 … 4; every matrix has `columns` columns
// Limits      tokens >= 0 (0: nothing happens); columns a multiple of 32.
// Aliasing    no out may overlap the input or another out.
// Stream      enqueued on `stream`; inputs must live until it has passed.
// Errors      InvalidArgument names the term, its value and what was expected.
// Numerics    Reference: the decoded weights and the given input, double. CPU: the input is rounded
//             to 8 bits for block-quantized weights, as llama.cpp does, so that answers compare:
//             steps of max|x| / 127, the largest of as many columns as a weight block has (32; 256
//             for the K types). Products are exact in integers, blocks of 32 are added in float in
//             one order that depends on columns alone, never on tokens, so a row's result is the
//             same bits in any batch.
// Cost        2 * tokens * rows * columns operations; few tokens: bound by reading the weights
//             once.
// Source      GGUF block formats (ggml); activations rounded as there.
struct MatMulArgs {
  TensorView<const float, 2> input;
  absl::Span<const MatMulTerm> terms;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_MAT_MUL_H_
