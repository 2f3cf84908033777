#ifndef ORIEL_KERNELS_REFERENCE_REFERENCE_MATRIX_H_
#define ORIEL_KERNELS_REFERENCE_REFERENCE_MATRIX_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "kernels/ops/matrix.h"

namespace oriel {

// A weight matrix that the reference decodes row by row from the model file.
class ReferenceMatrix : public Matrix {
 public:
  explicit ReferenceMatrix(const MatrixSource& matrix_source) : Matrix(matrix_source) {}

  // Writes columns() values of row `row` to `out`.
  void DecodeRowTo(int64_t row, float* out) const;
};

// InvalidArgument: a negative or empty shape, columns that are not whole blocks, no data.
absl::StatusOr<std::unique_ptr<Matrix>> MakeReferenceMatrix(const MatrixSource& source);

// The matrix as what it is: every Matrix that reaches the reference ops was made above.
const ReferenceMatrix& AsReferenceMatrix(const Matrix& matrix);

}  // namespace oriel

#endif  // ORIEL_KERNELS_REFERENCE_REFERENCE_MATRIX_H_
