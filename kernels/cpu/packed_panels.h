#ifndef ORIEL_KERNELS_CPU_PACKED_PANELS_H_
#define ORIEL_KERNELS_CPU_PACKED_PANELS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "kernels/core/buffer.h"
#include "kernels/core/dtype.h"
#include "kernels/cpu/huge_page_arena.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/ops/matrix.h"

namespace oriel {

// Block-quantized weights with the rows of a panel side by side, so that a vector load brings one
// field of many rows, and in the order in which a product reads them: the processor's own
// prefetching follows long streams and loses short ones, which halves the speed of a product that
// waits for memory.
//
// Layout      panels one after the other, each
//               dwords  [2, blocks, num_dwords, panel_rows / 2]  the blocks' bytes, four at a time,
//                                                                for the first half of the rows,
//                                                                then the second
//               halves  [blocks, num_halves, panel_rows]         the blocks' half-precision numbers
//             with blocks in column order and a block's dwords in reading order (DwordPlace). A
//             panel has panel_rows * row_bytes bytes, all of them fields. Rows that fill up the
//             last panel are zero bytes.
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

// Where dword `field` of a block of the file lies in the packed block. Q4_K and Q5_K are read codes
// (and fifth bits) first, then scales; of Q6_K two dwords of low bits meet one of high bits.
constexpr int DwordPlace(DType dtype, int field) {
  constexpr int kScales6Dwords = 3;
  const int num_dwords = BlockFieldsOf(dtype).num_dwords;
  switch (dtype) {
    case DType::kQ4_K:
    case DType::kQ5_K:
      return (field + num_dwords - kScales6Dwords) % num_dwords;
    case DType::kQ6_K:
      if (field < 32) return field / 16 * 24 + field % 8 * 3 + field / 8 % 2;
      if (field < 48) return (field - 32) / 8 * 24 + field % 8 * 3 + 2;
      return field;
    case DType::kQ4_0:
    case DType::kQ4_1:
    case DType::kQ5_0:
    case DType::kQ5_1:
    case DType::kQ8_0:
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
      return field;
  }
  return field;
}

// Moves the blocks of one matrix between a row of the file and a panel.
//
// Threads     immutable.
class PanelLayout {
 public:
  // `columns` are whole blocks of `dtype`, which has fields.
  PanelLayout(DType dtype, int64_t columns, int64_t panel_rows);

  int64_t blocks() const { return blocks_; }
  int64_t block_bytes() const { return block_bytes_; }
  int64_t row_bytes() const { return blocks_ * block_bytes_; }

  // Block `index` of the panel's row `row`.
  void WriteBlock(const std::byte* block, int64_t row, int64_t index, std::byte* panel) const;
  void ReadBlock(const std::byte* panel, int64_t row, int64_t index, std::byte* block) const;

 private:
  static constexpr int kDwordsMax = 52;

  // Calls move(offset in the block, offset in the panel, bytes) for every field.
  template <typename Move>
  void ForEachField(int64_t row, int64_t index, const Move& move) const;

  BlockFields fields_;
  int64_t blocks_;
  int64_t block_bytes_;
  int64_t panel_rows_;
  std::array<uint8_t, kDwordsMax> dword_places_ = {};
};

// ResourceExhausted if there is no memory for the copy.
absl::StatusOr<Buffer> PackPanels(const MatrixSource& source, int64_t panel_rows,
                                  HugePageArena& arena, ThreadPool& pool);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_PACKED_PANELS_H_
