#ifndef ORIEL_KERNELS_CPU_MAT_MUL_BLOCKS_H_
#define ORIEL_KERNELS_CPU_MAT_MUL_BLOCKS_H_

#include <cstddef>
#include <cstdint>

#include "kernels/core/tensor_view.h"
#include "kernels/cpu/cpu_matrix.h"
#include "kernels/ops/mat_mul.h"

namespace oriel {

// The product of block-quantized weights with an input rounded to 8 bits, cut into panels of weight
// rows and tiles of tokens.
//
// A panel's rows lie side by side in the lanes of a vector, so that one output is one lane: it adds
// its blocks of 32 columns one after the other, from the first to the last, whatever panel, tile or
// batch it is in. That makes a row's result independent of the batch, bit for bit.

// Columns of an input block, also those of the smallest weight blocks.
inline constexpr int64_t kInputBlock = 32;

// What one token keeps of one block: 32 codes, the scale, scale times the sum of the codes, and the
// sums of all codes, of the first 16 and of the last 16, each negated.
inline constexpr int64_t kInputBlockBytes = 32 + 4 + 4 + 3 * 4;

// The cut that suits the instruction set in use.
struct BlockProductShape {
  int64_t panel_rows = 0;
  int64_t tile_tokens = 0;
};

// Columns of the input that share a scale where it meets weights of this type: those of one weight
// block, so 32 or 256.
inline int64_t RoundingColumns(DType weights) { return TraitsOf(weights).block_elements; }

// Tokens [0, tokens) rounded to 8 bits. Tile i begins at byte i * tile_tokens * blocks *
// kInputBlockBytes; inside a tile of n tokens, block b begins at b * n * kInputBlockBytes, and each
// of the fields above is an array over the n tokens.
struct RoundedInput {
  int64_t tokens = 0;
  int64_t blocks = 0;            // columns / 32
  int64_t rounding_columns = 0;  // RoundingColumns of the weights
  std::byte* data = nullptr;
};

inline int64_t RoundedInputBytes(int64_t tokens, int64_t blocks) {
  return tokens * blocks * kInputBlockBytes;
}

// One panel times a range of tokens: the smallest piece of work.
struct PanelProduct {
  const CpuMatrix* matrix = nullptr;
  const MatMulTerm* term = nullptr;
  const RoundedInput* input = nullptr;
  int64_t first_row = 0;    // a multiple of panel_rows
  int64_t first_token = 0;  // a multiple of tile_tokens
  int64_t tokens = 0;
  std::byte* scratch = nullptr;  // PanelScratchBytes(tokens), 64-byte aligned
};

BlockProductShape ChooseBlockProductShape();
int64_t PanelScratchBytes(int64_t tokens);

// Rounds tile `tile` of the input. Codes are x * 127 / max|x|, to nearest, ties to even; the
// largest is that of the columns that share the scale.
void RoundInputTile(const TensorView<const float, 2>& input, int64_t tile,
                    const RoundedInput& rounded);

void MultiplyPanel(const PanelProduct& product);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_MAT_MUL_BLOCKS_H_
