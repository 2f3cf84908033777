#include "kernels/core/status.h"
#include "kernels/ops/check_args.h"
#include "kernels/reference/reference_matrix.h"
#include "kernels/reference/reference_ops.h"

namespace oriel {

absl::Status ReferenceEmbedding(const EmbeddingArgs& args) {
  ORIEL_RETURN_IF_ERROR(CheckEmbeddingArgs(args));
  const ReferenceMatrix& table = AsReferenceMatrix(*args.table);
  for (int64_t t = 0; t < args.tokens.dim(0); ++t) {
    table.DecodeRowTo(args.tokens(t), args.out.row(t));
  }
  return absl::OkStatus();
}

}  // namespace oriel
