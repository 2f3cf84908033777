#include "kernels/cpu/cpu_matrix.h"

#include <array>

#include "kernels/core/check.h"
#include "kernels/core/gguf_blocks.h"
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

void CpuMatrix::DecodeRowTo(int64_t index, float* out) const {
  if (panel_rows_ == 0) return DecodeRow(dtype(), row(index), columns(), out);
  const PanelLayout layout(dtype(), columns(), panel_rows_);
  const int64_t block_columns = TraitsOf(dtype()).block_elements;
  std::array<std::byte, sizeof(BlockQ6_K)> block;  // of the largest type
  for (int64_t i = 0; i < layout.blocks(); ++i) {
    layout.ReadBlock(panel(index / panel_rows_), index % panel_rows_, i, block.data());
    DecodeRow(dtype(), block.data(), block_columns, out + i * block_columns);
  }
}

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
