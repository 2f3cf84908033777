#ifndef ORIEL_KERNELS_CPU_CPU_MATRIX_H_
#define ORIEL_KERNELS_CPU_CPU_MATRIX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "kernels/core/buffer.h"
#include "kernels/cpu/huge_page_arena.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/ops/matrix.h"

namespace oriel {

// A weight matrix: the mapped file's rows, or for products with block-quantized weights a copy in
// panels (packed_panels.h) of the width that this processor's instruction set wants. Once there is
// a copy nothing is read from the file, so that no byte is resident twice.
class CpuMatrix : public Matrix {
 public:
  CpuMatrix(const MatrixSource& matrix_source, int64_t panel_rows, Buffer packed);

  int64_t extra_bytes() const override { return static_cast<int64_t>(packed_.size_bytes()); }

  int64_t row_bytes() const { return row_bytes_; }
  // Of a matrix without a packed copy.
  const std::byte* row(int64_t index) const { return source().data + index * row_bytes_; }

  // The values of one row, `columns` floats.
  void DecodeRowTo(int64_t index, float* out) const;

  // Rows of a panel; 0 if the matrix has no packed copy.
  int64_t panel_rows() const { return panel_rows_; }
  const std::byte* panel(int64_t index) const {
    return packed_.data() + index * panel_rows_ * row_bytes_;
  }

 private:
  int64_t row_bytes_;
  int64_t panel_rows_;
  Buffer packed_;
};

// InvalidArgument: a negative or empty shape, columns that are not whole blocks, no data.
// ResourceExhausted: no memory for the packed copy. The copy lies in `arena`
// and is made by all of `pool`.
absl::StatusOr<std::unique_ptr<Matrix>> MakeCpuMatrix(const MatrixSource& source,
                                                      HugePageArena& arena, ThreadPool& pool);

// The matrix as what it is: every Matrix that reaches the CPU ops was made above.
const CpuMatrix& AsCpuMatrix(const Matrix& matrix);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_CPU_MATRIX_H_
