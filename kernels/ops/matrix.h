#ifndef ORIEL_KERNELS_OPS_MATRIX_H_
#define ORIEL_KERNELS_OPS_MATRIX_H_

#include <cstddef>
#include <cstdint>

#include "kernels/core/dtype.h"

namespace oriel {

// What a matrix is made for. Products also allow look-ups; a matrix for look-ups alone needs no
// copy in another form.
enum class MatrixUse : uint8_t {
  kProducts,
  kLookup,
};

// A weight matrix as it lies in a model file: `rows` rows of `columns` values, each row a whole
// number of blocks of `dtype`, rows back to back.
struct MatrixSource {
  DType dtype = DType::kF32;
  int64_t rows = 0;
  int64_t columns = 0;
  const std::byte* data = nullptr;  // rows * RowBytes(dtype, columns) bytes; outlives the Matrix
  MatrixUse use = MatrixUse::kProducts;
};

// A weight matrix as a back end wants it: the source itself, or a repacked or uploaded copy.
//
// Lifecycle   made by Backend::MakeMatrix of the back end that multiplies with it; lives until
//             serving ends.
// Threads     immutable.
class Matrix {
 public:
  explicit Matrix(const MatrixSource& source) : source_(source) {}
  virtual ~Matrix() = default;
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  DType dtype() const { return source_.dtype; }
  int64_t rows() const { return source_.rows; }
  int64_t columns() const { return source_.columns; }

  // Bytes that this matrix keeps beside the mapped file.
  virtual int64_t extra_bytes() const { return 0; }

 protected:
  const MatrixSource& source() const { return source_; }

 private:
  MatrixSource source_;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_MATRIX_H_
