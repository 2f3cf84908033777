#include "kernels/cpu/cpu_matrix.h"

#include "kernels/core/check.h"
#include "kernels/core/status.h"
#include "kernels/cpu/mat_mul_blocks.h"
#include "kernels/cpu/packed_panels.h"
#include "kernels/ops/check_args.h"

namespace oriel {

CpuMatrix::CpuMatrix(const MatrixSource& matrix_source, int64_t panel_rows, Buffer packed)
    : Matrix(matrix_source),
      row_bytes_(RowBytes(matrix_source.dtype, matrix_source.columns).value()),
      panel_rows_(panel_rows),
      packed_(std::move(packed)) {}

absl::StatusOr<std::unique_ptr<Matrix>> MakeCpuMatrix(const MatrixSource& source,
                                                      HugePageArena& arena, ThreadPool& pool) {
  ORIEL_RETURN_IF_ERROR(CheckMatrixSource(source));
  const bool has_blocks = TraitsOf(source.dtype).block_elements > 1;
  if (!has_blocks || source.use == MatrixUse::kLookup) {
    return std::make_unique<CpuMatrix>(source, 0, Buffer());
  }
  const int64_t panel_rows = ChooseBlockProductShape().panel_rows;
  ORIEL_ASSIGN_OR_RETURN(Buffer packed, PackPanels(source, panel_rows, arena, pool));
  return std::make_unique<CpuMatrix>(source, panel_rows, std::move(packed));
}

const CpuMatrix& AsCpuMatrix(const Matrix& matrix) {
  const auto* cpu_matrix = dynamic_cast<const CpuMatrix*>(&matrix);
  ORIEL_CHECK(cpu_matrix != nullptr);
  return *cpu_matrix;
}

}  // namespace oriel
