#ifndef ORIEL_KERNELS_CPU_PAGE_TILES_H_
#define ORIEL_KERNELS_CPU_PAGE_TILES_H_

#include <cstddef>
#include <cstdint>

#include "kernels/formats/codec.h"

namespace oriel {

// Codes of one half of a head page as the CPU kernels multiply them: one code a byte, in tiles of
// 64 bytes that are 16 lanes of four. The page's own order is that of a GPU's matrix operand; a
// transposition of 8-byte words while the codes are still packed and one shift and mask a tile lead
// from it to this order, in which nothing is left to shuffle or to add across lanes:
//
//   keys    tiles [4 token tiles T][head_dim / 4 channel quads]   lane = token of the tile
//           quad 4i + t, byte b: channel 16i + KeyQuadChannel(t, b)
//   values  tiles [16 token quads][head_dim / 16 channel tiles i] lane = channel of the tile
//           quad 4T + t, byte b: token 16T + MovmatrixChannel(t, b)
//
// Lane l stands for the LanePlace(l)-th token or channel of its sixteen.

inline constexpr int kTileLanes = 16;
inline constexpr int kTileBytes = 64;
inline constexpr int kTokenTiles = kPageTokens / kTileLanes;
inline constexpr int kTokenQuads = kPageTokens / 4;
inline constexpr size_t kPageTileBytesMax = size_t{kPageTokens} * kHeadDimMax;

constexpr int LanePlace(int lane) { return 8 * (lane % 2) + lane / 2; }
// The inverse: where token or channel x of a page or row lies among its lanes.
constexpr int LaneOf(int x) { return x / 16 * 16 + 2 * (x % 8) + x / 8 % 2; }

// Position 0 … 15 of byte b in quad t, in the order that movmatrix leaves.
constexpr int MovmatrixPlace(int t, int b) { return 8 * (b / 2) + 2 * t + b % 2; }
constexpr int KeyQuadChannel(int head_dim, int t, int b) {
  return head_dim == 128 ? 4 * t + b : MovmatrixPlace(t, b);
}

// Where the tile of a key (token tile T, channel tile i, lane quarter t) or of a value (16 tokens
// T, i, t) begins.
template <int kDim, PageHalf kHalf>
constexpr int TileOffset(int T, int i, int t) {
  return kTileBytes *
         (kHalf == PageHalf::kKey ? T * (kDim / 4) + 4 * i + t : (4 * T + t) * (kDim / 16) + i);
}

static_assert(LaneOf(16 + LanePlace(5)) == 16 + 5);
// A quad's bytes 0 and 2, and 1 and 3, are neighbouring lanes: weights in lane order pair up as
// they lie.
static_assert(LaneOf(MovmatrixPlace(3, 0)) == 12 && LaneOf(MovmatrixPlace(3, 2)) == 13);
static_assert(LaneOf(MovmatrixPlace(3, 1)) == 14 && LaneOf(MovmatrixPlace(3, 3)) == 15);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_PAGE_TILES_H_
