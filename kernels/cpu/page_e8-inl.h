// Unpacks E8 codes into the tiles of page_tiles.h. Compiled once for every instruction set.

#if defined(ORIEL_KERNELS_CPU_PAGE_E8_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_PAGE_E8_INL_H_
#undef ORIEL_KERNELS_CPU_PAGE_E8_INL_H_
#else
#define ORIEL_KERNELS_CPU_PAGE_E8_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "kernels/cpu/page_tiles.h"
#include "kernels/cpu/page_transpose-inl.h"

// Without vectors the codes are unpacked plainly.
#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The low bits of one vector of E8 codes: channel tile i at bit 2i, and at head_dim 128 tile 4 + i
// in `derived`.
struct LowBits {
  TileVec stored;
  TileVec derived;
};

// head_dim 128. The row holds the stored bits of two token tiles (keys) or 16 tokens (values);
// `odd` chooses. The other bit of each pair of bits belongs to the odd lane.
HWY_INLINE LowBits LowBits128(const WordRows& rows, int row, bool odd, size_t at) {
  const TileVec stored = Duplicate(LoadRow(rows, row, at), odd);
  const TileVec shift = OddLanes(1);
  return {ShiftRightEach(stored, shift), ShiftRightEach(FoldLowBits(stored), shift)};
}

// head_dim 64, keys: a word holds bytes (h, b < 2); bytes b >= 2 are derived. Returns bits for all
// four bytes.
HWY_INLINE TileVec KeyLowBits64(const WordRows& rows, int T, int t, size_t at) {
  const TileTag d;
  const TileVec stored = Duplicate(LoadRow(rows, t, at), T >= 2);
  const TileVec derived = FoldLowBits(stored);
  const TileVec lower = hn::Set(d, 0x0000FFFFu);
  const TileVec even = hn::Or(hn::And(stored, lower), hn::ShiftLeft<16>(derived));
  const TileVec odd = hn::Or(hn::ShiftRight<16>(stored), hn::AndNot(lower, derived));
  const TileVec low = hn::OddEven(odd, even);
  return T % 2 == 0 ? low : hn::ShiftRight<1>(low);
}

// head_dim 64, values: channels u = 0 are stored, u = 1 derived.
HWY_INLINE TileVec ValueLowBits64(const WordRows& rows, int T, int t, size_t at) {
  const TileVec stored = Duplicate(LoadRow(rows, t, at), T >= 2);
  const TileVec low = hn::OddEven(FoldLowBits(stored), stored);
  return T % 2 == 0 ? low : hn::ShiftRight<1>(low);
}

inline void UnpackKeyE8_1p5At128(const uint8_t* HWY_RESTRICT section, uint8_t* HWY_RESTRICT tiles) {
  WordRows low;
  TransposeChunk<WordPairs::kAdjacent>(section + 1024, low);
  for (int chunk = 0; chunk < 2; ++chunk) {
    WordRows high;
    TransposeChunk<WordPairs::kAdjacent>(section + 512 * chunk, high);
    for (int odd = 0; odd < 2; ++odd) {
      const int T = 2 * chunk + odd;
      for (int t = 0; t < 4; ++t) {
        ForEachVector([&](size_t at) HWY_ATTR {
          const LowBits bits = LowBits128(low, 2 * t + chunk, odd != 0, at);
          const TileVec h = LoadRow(high, 2 * t + odd, at);
          StoreFourPairs<128, PageHalf::kKey>(Merge(h, bits.stored, 0xAA), T, 0, t, at, tiles);
          StoreFourPairs<128, PageHalf::kKey>(Merge(hn::ShiftLeft<1>(h), bits.derived, 0xAA), T, 4,
                                              t, at, tiles);
        });
      }
    }
  }
}

inline void UnpackKeyE8_1p5At64(const uint8_t* HWY_RESTRICT section, uint8_t* HWY_RESTRICT tiles) {
  WordRows high;
  WordRows low;
  TransposeChunk<WordPairs::kAdjacent>(section, high);
  TransposeLowBits(section + 512, low);
  for (int T = 0; T < kTokenTiles; ++T) {
    for (int t = 0; t < 4; ++t) {
      ForEachVector([&](size_t at) HWY_ATTR {
        const TileVec h =
            ShiftLeftEach(Duplicate(LoadRow(high, 2 * t + T / 2, at), T % 2 != 0), OddLanes(1));
        StoreFourPairs<64, PageHalf::kKey>(Merge(h, KeyLowBits64(low, T, t, at), 0xAA), T, 0, t, at,
                                           tiles);
      });
    }
  }
}

inline void UnpackValueE8_1p5At128(const uint8_t* HWY_RESTRICT section,
                                   uint8_t* HWY_RESTRICT tiles) {
  // Pairs of words in a lane: H of 16 tokens T = 0, 1, their L, H of T = 2, 3, their L.
  constexpr int kHighPair[kTokenTiles] = {0, 1, 3, 4};
  constexpr int kLowPair[2] = {2, 5};
  WordRows rows[3];
  for (int chunk = 0; chunk < 3; ++chunk) {
    TransposeChunk<WordPairs::kAdjacent>(section + 512 * chunk, rows[chunk]);
  }
  for (int T = 0; T < kTokenTiles; ++T) {
    const WordRows& high = rows[kHighPair[T] / 2];
    const WordRows& low = rows[kLowPair[T / 2] / 2];
    for (int t = 0; t < 4; ++t) {
      ForEachVector([&](size_t at) HWY_ATTR {
        const LowBits bits = LowBits128(low, 2 * t + kLowPair[T / 2] % 2, T % 2 != 0, at);
        const TileVec h = LoadRow(high, 2 * t + kHighPair[T] % 2, at);
        StoreFourPairs<128, PageHalf::kValue>(Merge(h, bits.stored, 0xAA), T, 0, t, at, tiles);
        StoreFourPairs<128, PageHalf::kValue>(Merge(hn::ShiftLeft<1>(h), bits.derived, 0xAA), T, 4,
                                              t, at, tiles);
      });
    }
  }
}

inline void UnpackValueE8_1p5At64(const uint8_t* HWY_RESTRICT section,
                                  uint8_t* HWY_RESTRICT tiles) {
  WordRows high;
  WordRows low;
  TransposeChunk<WordPairs::kAdjacent>(section, high);
  TransposeLowBits(section + 512, low);
  for (int T = 0; T < kTokenTiles; ++T) {
    for (int t = 0; t < 4; ++t) {
      ForEachVector([&](size_t at) HWY_ATTR {
        const TileVec h =
            ShiftLeftEach(Duplicate(LoadRow(high, 2 * t + T / 2, at), T % 2 != 0), OddLanes(1));
        StoreFourPairs<64, PageHalf::kValue>(Merge(h, ValueLowBits64(low, T, t, at), 0xAA), T, 0, t,
                                             at, tiles);
      });
    }
  }
}

// Three-bit codes of channel tiles i and i + 2, whose high bits lie at bits 2 and 6 of `high`
// (`upper`) or at 0 and 4, and whose low bits lie at bits 2i and 2i + 4 of `low`, i = 0 or 1.
template <int kDim, PageHalf kHalf>
HWY_INLINE void StoreTriples(TileVec high, bool upper, TileVec low, int low_i, int T, int i, int t,
                             size_t at, uint8_t* HWY_RESTRICT tiles) {
  const TileVec h = upper ? high : hn::ShiftLeft<2>(high);
  const TileVec l = low_i == 0 ? hn::ShiftLeft<1>(low) : hn::ShiftRight<1>(low);
  StoreTwoTriples<kDim, kHalf>(Merge(h, l, 0xCC), T, i, t, at, tiles);
}

inline void UnpackKeyE8_2p5At128(const uint8_t* HWY_RESTRICT section, uint8_t* HWY_RESTRICT tiles) {
  WordRows low;
  TransposeChunk<WordPairs::kAdjacent>(section + 2048, low);
  for (int T = 0; T < kTokenTiles; ++T) {
    WordRows high;
    TransposeChunk<WordPairs::kAlternate>(section + 512 * T, high);
    for (int t = 0; t < 4; ++t) {
      ForEachVector([&](size_t at) HWY_ATTR {
        const LowBits bits = LowBits128(low, 2 * t + T / 2, T % 2 != 0, at);
        for (int r = 0; r < 2; ++r) {
          const TileVec h = LoadRow(high, 2 * t + r, at);
          StoreTriples<128, PageHalf::kKey>(h, true, bits.stored, r, T, r, t, at, tiles);
          StoreTriples<128, PageHalf::kKey>(h, false, bits.derived, r, T, 4 + r, t, at, tiles);
        }
      });
    }
  }
}

inline void UnpackKeyE8_2p5At64(const uint8_t* HWY_RESTRICT section, uint8_t* HWY_RESTRICT tiles) {
  WordRows low;
  TransposeLowBits(section + 1024, low);
  for (int chunk = 0; chunk < 2; ++chunk) {
    WordRows high;
    TransposeChunk<WordPairs::kAdjacent>(section + 512 * chunk, high);
    for (int odd = 0; odd < 2; ++odd) {
      const int T = 2 * chunk + odd;
      for (int t = 0; t < 4; ++t) {
        ForEachVector([&](size_t at) HWY_ATTR {
          const TileVec h = LoadRow(high, 2 * t + odd, at);
          const TileVec bits = KeyLowBits64(low, T, t, at);
          StoreTriples<64, PageHalf::kKey>(h, true, bits, 0, T, 0, t, at, tiles);
          StoreTriples<64, PageHalf::kKey>(h, false, bits, 1, T, 1, t, at, tiles);
        });
      }
    }
  }
}

inline void UnpackValueE8_2p5At128(const uint8_t* HWY_RESTRICT section,
                                   uint8_t* HWY_RESTRICT tiles) {
  WordRows low;
  TransposeChunk<WordPairs::kAdjacent>(section + 2048, low);
  for (int y = 0; y < 2; ++y) {
    for (int o = 0; o < 2; ++o) {
      WordRows high;
      TransposeChunk<WordPairs::kAdjacent>(section + 512 * (2 * y + o), high);
      for (int r = 0; r < 2; ++r) {
        const int T = 2 * y + r;
        for (int t = 0; t < 4; ++t) {
          ForEachVector([&](size_t at) HWY_ATTR {
            const LowBits bits = LowBits128(low, 2 * t + y, r != 0, at);
            const TileVec h = LoadRow(high, 2 * t + r, at);
            StoreTriples<128, PageHalf::kValue>(h, true, bits.stored, o, T, o, t, at, tiles);
            StoreTriples<128, PageHalf::kValue>(h, false, bits.derived, o, T, 4 + o, t, at, tiles);
          });
        }
      }
    }
  }
}

inline void UnpackValueE8_2p5At64(const uint8_t* HWY_RESTRICT section,
                                  uint8_t* HWY_RESTRICT tiles) {
  WordRows low;
  TransposeLowBits(section + 1024, low);
  for (int y = 0; y < 2; ++y) {
    WordRows high;
    TransposeChunk<WordPairs::kAdjacent>(section + 512 * y, high);
    for (int r = 0; r < 2; ++r) {
      const int T = 2 * y + r;
      for (int t = 0; t < 4; ++t) {
        ForEachVector([&](size_t at) HWY_ATTR {
          const TileVec h = LoadRow(high, 2 * t + r, at);
          const TileVec bits = ValueLowBits64(low, T, t, at);
          StoreTriples<64, PageHalf::kValue>(h, true, bits, 0, T, 0, t, at, tiles);
          StoreTriples<64, PageHalf::kValue>(h, false, bits, 1, T, 1, t, at, tiles);
        });
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();
#endif  // HWY_TARGET

#endif  // ORIEL_KERNELS_CPU_PAGE_E8_INL_H_
