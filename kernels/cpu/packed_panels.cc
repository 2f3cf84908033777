#include "kernels/cpu/packed_panels.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "kernels/core/status.h"

namespace oriel {
namespace {

// Writes one block of one row into its column of the panel's block.
void PackBlock(const BlockFields& fields, const std::byte* block, int64_t row, int64_t panel_rows,
               std::byte* out) {
  for (int64_t i = 0; i < fields.num_halves; ++i) {
    std::memcpy(out + (i * panel_rows + row) * 2, block + fields.halves_offset + 2 * i, 2);
  }
  const int64_t lanes = panel_rows / 2;
  out += fields.num_halves * panel_rows * 2 + row / lanes * fields.num_dwords * lanes * 4;
  for (int64_t i = 0; i < fields.num_dwords; ++i) {
    std::memcpy(out + (i * lanes + row % lanes) * 4, block + fields.dwords_offset + 4 * i, 4);
  }
}

}  // namespace

absl::StatusOr<Buffer> PackPanels(const MatrixSource& source, int64_t panel_rows,
                                  ThreadPool& pool) {
  const int64_t row_bytes = RowBytes(source.dtype, source.columns).value();
  const int64_t block_bytes = TraitsOf(source.dtype).block_bytes;
  const int64_t panel_bytes = row_bytes * panel_rows;
  const int64_t panels = (source.rows + panel_rows - 1) / panel_rows;
  ORIEL_ASSIGN_OR_RETURN(Buffer packed, MakeHostBuffer(static_cast<size_t>(panels * panel_bytes)));
  // Large pages where the system gives them: fewer faults now, fewer table walks in every step.
  madvise(packed.data(), packed.size_bytes(), MADV_HUGEPAGE);

  const BlockFields fields = BlockFieldsOf(source.dtype);
  pool.ParallelFor(panels, [&](int64_t panel, int32_t) {
    const int64_t first_row = panel * panel_rows;
    const int64_t rows = std::min(panel_rows, source.rows - first_row);
    std::byte* out = packed.data() + panel * panel_bytes;
    for (int64_t at = 0; at < row_bytes; at += block_bytes) {
      for (int64_t row = 0; row < rows; ++row) {
        const std::byte* block = source.data + (first_row + row) * row_bytes + at;
        PackBlock(fields, block, row, panel_rows, out + at * panel_rows);
      }
    }
  });
  return packed;
}

}  // namespace oriel
