#ifndef ORIEL_KERNELS_CPU_PACKED_PANELS_H_
#define ORIEL_KERNELS_CPU_PACKED_PANELS_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "kernels/core/buffer.h"
#include "kernels/core/dtype.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/ops/matrix.h"

namespace oriel {

// Block-quantized weights with the rows of a panel side by side: one stream of memory a panel
// instead of one a row, and vector loads that bring one field of every row at once.
//
// Layout      panels one after the other; a panel's blocks in column order; a block is
//               half_fields  [num_halves, panel_rows]         the block's half-precision numbers
//               dword_fields [2, num_dwords, panel_rows / 2]  its other bytes, four at a time, for
//                                                             the first half of the rows, then the
//                                                             second
//             so that a block of a panel has panel_rows * block_bytes bytes, all of them fields.
//             Rows that fill up the last panel are zero bytes.
struct BlockFields {
  int num_halves;
  int halves_offset;  // bytes into the block of the file
  int num_dwords;
  int dwords_offset;
};

constexpr BlockFields BlockFieldsOf(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return {1, 0, 4, 2};
    case DType::kQ4_1:
      return {2, 0, 4, 4};
    case DType::kQ5_0:
      return {1, 0, 5, 2};
    case DType::kQ5_1:
      return {2, 0, 5, 4};
    case DType::kQ8_0:
      return {1, 0, 8, 2};
    case DType::kQ4_K:
      return {2, 0, 35, 4};
    case DType::kQ5_K:
      return {2, 0, 43, 4};
    case DType::kQ6_K:
      return {1, 208, 52, 0};
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
      return {0, 0, 0, 0};
  }
  return {0, 0, 0, 0};
}

// Bytes of one panel.
constexpr int64_t PanelBytes(DType dtype, int64_t columns, int64_t panel_rows) {
  return RowBytes(dtype, columns).value_or(0) * panel_rows;
}

// ResourceExhausted if there is no memory for the copy.
absl::StatusOr<Buffer> PackPanels(const MatrixSource& source, int64_t panel_rows, ThreadPool& pool);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_PACKED_PANELS_H_
