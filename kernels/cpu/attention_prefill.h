#ifndef ORIEL_KERNELS_CPU_ATTENTION_PREFILL_H_
#define ORIEL_KERNELS_CPU_ATTENTION_PREFILL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/page_tiles.h"
#include "kernels/ops/attention.h"
#include "kernels/ops/check_kv_args.h"

namespace oriel {

// The most tokens of a tile of queries. Tiles lie at multiples of their size, a power of two up to
// 64, so that all queries of a tile see the same pages in the same form; with their query heads
// they are 64 to 512 rows.
constexpr int32_t TileTokensMax(int64_t heads) { return heads <= 8 ? 64 : 32; }
constexpr int32_t kTileTokensMin = 16;

// Queries [first_position, end_position) of one view, in one tile, for the query heads of one KV
// head.
struct PrefillTile {
  const AttentionArgs* args = nullptr;
  const KvView* view = nullptr;
  int kv_head = 0;
  int32_t first_position = 0;
  int32_t end_position = 0;
};

// One thread's buffers. Query rows stand side by side as lanes, in panels of a few vectors; what
// belongs to a row is a column.
struct PrefillWorkspace {
  static constexpr size_t kRowsMax = 512;
  // The last panel is padded: at most two vectors and a part of one.
  static constexpr size_t kPaddedRowsMax = kRowsMax + 48;
  static constexpr size_t kPageValues = size_t{kPageTokens} * kHeadDimMax;

  alignas(64) float queries[kPaddedRowsMax * kHeadDimMax];              // [panel][channel][row]
  alignas(64) int32_t fixed_queries[kPaddedRowsMax * kHeadDimMax / 2];  // [panel][pair][row]
  alignas(64) float fixed_steps[kPaddedRowsMax];
  alignas(64) float fixed_sums[kPaddedRowsMax];
  alignas(64) float sums[kPaddedRowsMax * kHeadDimMax];  // [panel][channel][row]
  alignas(64) float greatest[kPaddedRowsMax];
  alignas(64) float totals[kPaddedRowsMax];
  alignas(64) int32_t positions[kPaddedRowsMax];
  alignas(64) float scores[kPageTokens * 48];  // [key][row] of one panel, then weights
  // Up to 64 tokens: FP16 rows as floats, or codes as pairs of 16 bits.
  alignas(64) float keys[kPageValues];
  alignas(64) float values[kPageValues];
  alignas(64) int32_t key_pairs[kPageValues / 2];
  alignas(64) int32_t value_pairs[kPageValues / 2];
  alignas(64) int32_t centre_pairs[kHeadDimMax / 2];
  alignas(64) float key_scales[kPageTokens];
  alignas(64) float key_offsets[kPageTokens];
  alignas(64) float value_scales[kPageTokens];
  alignas(64) float value_offsets[kPageTokens];
  alignas(64) uint8_t tiles[kPageTileBytesMax];
};

// Writes the tile's rows of args->out.
void AttendPrefillTile(const PrefillTile& tile, PrefillWorkspace& workspace);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_ATTENTION_PREFILL_H_
