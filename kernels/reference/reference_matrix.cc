#include "kernels/reference/reference_matrix.h"

#include "kernels/core/check.h"
#include "kernels/core/gguf_blocks.h"
#include "kernels/core/status.h"
#include "kernels/ops/check_args.h"

namespace oriel {

void ReferenceMatrix::DecodeRowTo(int64_t row, float* out) const {
  ORIEL_CHECK(row >= 0 && row < rows());
  const int64_t row_bytes = RowBytes(dtype(), columns()).value();
  DecodeRow(dtype(), source().data + row * row_bytes, columns(), out);
}

absl::StatusOr<std::unique_ptr<Matrix>> MakeReferenceMatrix(const MatrixSource& source) {
  ORIEL_RETURN_IF_ERROR(CheckMatrixSource(source));
  return std::make_unique<ReferenceMatrix>(source);
}

const ReferenceMatrix& AsReferenceMatrix(const Matrix& matrix) {
  const auto* reference = dynamic_cast<const ReferenceMatrix*>(&matrix);
  ORIEL_CHECK(reference != nullptr);
  return *reference;
}

}  // namespace oriel
