#include "kernels/cpu/packed_panels.h"

#include <algorithm>
#include <cstring>

#include "kernels/core/status.h"

namespace oriel {
namespace {

// One panel's bytes, and where a row's blocks go.
struct PanelWriter {
  DType dtype;
  BlockFields fields;
  int64_t blocks;
  int64_t panel_rows;
  std::byte* panel;

  void Write(const std::byte* block, int64_t row, int64_t index) const {
    const int64_t lanes = panel_rows / 2;
    const int64_t dword_bytes = fields.num_dwords * lanes * 4;
    std::byte* dwords = panel + (row / lanes * blocks + index) * dword_bytes;
    for (int i = 0; i < fields.num_dwords; ++i) {
      std::memcpy(dwords + (DwordPlace(dtype, i) * lanes + row % lanes) * 4,
                  block + fields.dwords_offset + 4 * i, 4);
    }
    std::byte* halves =
        panel + 2 * blocks * dword_bytes + index * fields.num_halves * panel_rows * 2;
    for (int i = 0; i < fields.num_halves; ++i) {
      std::memcpy(halves + (i * panel_rows + row) * 2, block + fields.halves_offset + 2 * i, 2);
    }
  }
};

}  // namespace

absl::StatusOr<Buffer> PackPanels(const MatrixSource& source, int64_t panel_rows,
                                  HugePageArena& arena, ThreadPool& pool) {
  const int64_t row_bytes = RowBytes(source.dtype, source.columns).value();
  const int64_t block_bytes = TraitsOf(source.dtype).block_bytes;
  const int64_t panel_bytes = row_bytes * panel_rows;
  const int64_t panels = (source.rows + panel_rows - 1) / panel_rows;
  ORIEL_ASSIGN_OR_RETURN(Buffer packed, arena.Allocate(static_cast<size_t>(panels * panel_bytes)));
  pool.ParallelFor(panels, [&](int64_t panel, int32_t) {
    const int64_t first_row = panel * panel_rows;
    const int64_t rows = std::min(panel_rows, source.rows - first_row);
    const PanelWriter writer{.dtype = source.dtype,
                             .fields = BlockFieldsOf(source.dtype),
                             .blocks = row_bytes / block_bytes,
                             .panel_rows = panel_rows,
                             .panel = packed.data() + panel * panel_bytes};
    for (int64_t i = 0; i < writer.blocks; ++i) {
      for (int64_t row = 0; row < rows; ++row) {
        writer.Write(source.data + (first_row + row) * row_bytes + i * block_bytes, row, i);
      }
    }
  });
  return packed;
}

}  // namespace oriel
