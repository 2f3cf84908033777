#include "kernels/cpu/packed_panels.h"

#include <algorithm>
#include <cstring>

#include "kernels/core/status.h"

namespace oriel {
PanelLayout::PanelLayout(DType dtype, int64_t columns, int64_t panel_rows)
    : fields_(BlockFieldsOf(dtype)),
      blocks_(columns / TraitsOf(dtype).block_elements),
      block_bytes_(TraitsOf(dtype).block_bytes),
      panel_rows_(panel_rows) {
  for (int i = 0; i < fields_.num_dwords; ++i) {
    dword_places_[static_cast<size_t>(i)] = static_cast<uint8_t>(DwordPlace(dtype, i));
  }
}

template <typename Move>
void PanelLayout::ForEachField(int64_t row, int64_t index, const Move& move) const {
  const int64_t lanes = panel_rows_ / 2;
  const int64_t dword_bytes = fields_.num_dwords * lanes * 4;
  const int64_t dwords = (row / lanes * blocks_ + index) * dword_bytes + row % lanes * 4;
  for (int i = 0; i < fields_.num_dwords; ++i) {
    const int64_t place = dword_places_[static_cast<size_t>(i)];
    move(fields_.dwords_offset + 4 * i, dwords + place * lanes * 4, 4);
  }
  const int64_t halves = 2 * blocks_ * dword_bytes + index * fields_.num_halves * panel_rows_ * 2;
  for (int i = 0; i < fields_.num_halves; ++i) {
    move(fields_.halves_offset + 2 * i, halves + (i * panel_rows_ + row) * 2, 2);
  }
}

void PanelLayout::WriteBlock(const std::byte* block, int64_t row, int64_t index,
                             std::byte* panel) const {
  ForEachField(row, index, [=](int64_t in_block, int64_t in_panel, size_t bytes) {
    std::memcpy(panel + in_panel, block + in_block, bytes);
  });
}

void PanelLayout::ReadBlock(const std::byte* panel, int64_t row, int64_t index,
                            std::byte* block) const {
  ForEachField(row, index, [=](int64_t in_block, int64_t in_panel, size_t bytes) {
    std::memcpy(block + in_block, panel + in_panel, bytes);
  });
}

absl::StatusOr<Buffer> PackPanels(const MatrixSource& source, int64_t panel_rows,
                                  HugePageArena& arena, ThreadPool& pool) {
  const PanelLayout layout(source.dtype, source.columns, panel_rows);
  const int64_t panel_bytes = layout.row_bytes() * panel_rows;
  const int64_t panels = (source.rows + panel_rows - 1) / panel_rows;
  ORIEL_ASSIGN_OR_RETURN(Buffer packed, arena.Allocate(static_cast<size_t>(panels * panel_bytes)));
  pool.ParallelFor(panels, [&](int64_t index, int32_t) {
    const int64_t first_row = index * panel_rows;
    const int64_t rows = std::min(panel_rows, source.rows - first_row);
    std::byte* panel = packed.data() + index * panel_bytes;
    for (int64_t i = 0; i < layout.blocks(); ++i) {
      for (int64_t row = 0; row < rows; ++row) {
        const int64_t offset = (first_row + row) * layout.row_bytes() + i * layout.block_bytes();
        layout.WriteBlock(source.data + offset, row, i, panel);
      }
    }
  });
  return packed;
}

}  // namespace oriel
