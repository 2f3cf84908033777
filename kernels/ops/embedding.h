#ifndef ORIEL_KERNELS_OPS_EMBEDDING_H_
#define ORIEL_KERNELS_OPS_EMBEDDING_H_

#include <cstdint>

#include "kernels/core/tensor_view.h"
#include "kernels/ops/matrix.h"

namespace oriel {

// Looks up rows of the token embedding: out[t] = decoded row tokens[t] of `table`.
//
// Shapes      tokens [tokens] token ids; table [vocab, hidden]; out [tokens, hidden] float
// Limits      0 <= tokens[t] < vocab (the caller has checked ids that come from outside).
// Aliasing    none allowed.
// Stream      enqueued on `stream`.
// Errors      InvalidArgument: shapes differ, or an id lies outside the vocabulary.
// Numerics    Exact: the decoded value in float, on every back end.
// Cost        bytes: tokens * row bytes + 4 * tokens * hidden.
// Source      GGUF block formats (ggml).
struct EmbeddingArgs {
  TensorView<const int32_t, 1> tokens;
  const Matrix* table = nullptr;
  TensorView<float, 2> out;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_EMBEDDING_H_
