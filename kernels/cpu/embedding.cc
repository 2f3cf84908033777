#include "kernels/core/status.h"
#include "kernels/cpu/cpu_matrix.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/ops/check_args.h"

namespace oriel {

absl::Status CpuEmbedding(const EmbeddingArgs& args, ThreadPool& pool) {
  ORIEL_RETURN_IF_ERROR(CheckEmbeddingArgs(args));
  const CpuMatrix& table = AsCpuMatrix(*args.table);
  pool.ParallelFor(args.tokens.dim(0),
                   [&](int64_t t, int32_t) { table.DecodeRowTo(args.tokens(t), args.out.row(t)); });
  return absl::OkStatus();
}

}  // namespace oriel
