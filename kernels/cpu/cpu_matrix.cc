#include "kernels/cpu/cpu_matrix.h"

#include "kernels/core/check.h"
#include "kernels/core/status.h"
#include "kernels/ops/check_args.h"

namespace oriel {

CpuMatrix::CpuMatrix(const MatrixSource& matrix_source)
    : Matrix(matrix_source),
      row_bytes_(RowBytes(matrix_source.dtype, matrix_source.columns).value()) {}

absl::StatusOr<std::unique_ptr<Matrix>> MakeCpuMatrix(const MatrixSource& source) {
  ORIEL_RETURN_IF_ERROR(CheckMatrixSource(source));
  return std::make_unique<CpuMatrix>(source);
}

const CpuMatrix& AsCpuMatrix(const Matrix& matrix) {
  const auto* cpu_matrix = dynamic_cast<const CpuMatrix*>(&matrix);
  ORIEL_CHECK(cpu_matrix != nullptr);
  return *cpu_matrix;
}

}  // namespace oriel
