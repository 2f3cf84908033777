#ifndef ORIEL_KERNELS_CPU_CPU_MATRIX_H_
#define ORIEL_KERNELS_CPU_CPU_MATRIX_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "kernels/ops/matrix.h"

namespace oriel {

// A weight matrix that the CPU multiplies with straight from the mapped file's blocks.
class CpuMatrix : public Matrix {
 public:
  explicit CpuMatrix(const MatrixSource& matrix_source);

  int64_t row_bytes() const { return row_bytes_; }
  const std::byte* row(int64_t index) const { return source().data + index * row_bytes_; }

 private:
  int64_t row_bytes_;
};

// InvalidArgument: a negative or empty shape, columns that are not whole blocks, no data.
absl::StatusOr<std::unique_ptr<Matrix>> MakeCpuMatrix(const MatrixSource& source);

// The matrix as what it is: every Matrix that reaches the CPU ops was made above.
const CpuMatrix& AsCpuMatrix(const Matrix& matrix);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_CPU_MATRIX_H_
