#include "kernels/cpu/page_unpack.h"

#include <array>

#include "kernels/formats/code_section.h"

#ifndef ORIEL_KERNELS_CPU_PAGE_UNPACK_PLAIN_
#define ORIEL_KERNELS_CPU_PAGE_UNPACK_PLAIN_
namespace oriel {
namespace {

// Code by code through the page format's own definition: for codecs that no kernel is tuned for and
// machines without vectors.
template <Codec kCodec, int kDim, PageHalf kHalf>
void UnpackPlainTiles(const uint8_t* section, uint8_t* tiles) {
  std::array<uint8_t, kPageTileBytesMax> codes;
  constexpr size_t kValues = size_t{kPageTokens} * kDim;
  constexpr size_t kSection = CodeSectionBytes(kCodec, kDim);
  UnpackCodes(kHalf, kCodec, kDim, {reinterpret_cast<const std::byte*>(section), kSection},
              {codes.data(), kValues});
  for (int T = 0; T < kTokenTiles; ++T) {
    for (int i = 0; i < kDim / 16; ++i) {
      for (int t = 0; t < 4; ++t) {
        uint8_t* tile = tiles + TileOffset<kDim, kHalf>(T, i, t);
        for (int lane = 0; lane < kTileLanes; ++lane) {
          for (int b = 0; b < 4; ++b) {
            const bool keys = kHalf == PageHalf::kKey;
            const int token = 16 * T + (keys ? LanePlace(lane) : MovmatrixPlace(t, b));
            const int channel = 16 * i + (keys ? KeyQuadChannel(kDim, t, b) : LanePlace(lane));
            *tile++ = codes[static_cast<size_t>(token * kDim + channel)];
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace oriel
#endif  // ORIEL_KERNELS_CPU_PAGE_UNPACK_PLAIN_

// VNNI machines run AVX3_DL, which Highway leaves out unless asked.
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/page_unpack.cc"
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"
#include "kernels/cpu/page_e8-inl.h"
#include "kernels/cpu/page_transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

template <int kDim, PageHalf kHalf>
UnpackFunction UnpackerOf(Codec codec) {
  switch (codec) {
    case Codec::kInt8:
      return UnpackPlainTiles<Codec::kInt8, kDim, kHalf>;
    case Codec::kInt4:
      return UnpackPlainTiles<Codec::kInt4, kDim, kHalf>;
    case Codec::kInt2:
      return UnpackPlainTiles<Codec::kInt2, kDim, kHalf>;
    case Codec::kInt1:
      return UnpackPlainTiles<Codec::kInt1, kDim, kHalf>;
    case Codec::kE8_1p5:
      return UnpackPlainTiles<Codec::kE8_1p5, kDim, kHalf>;
    case Codec::kE8_2p5:
      return UnpackPlainTiles<Codec::kE8_2p5, kDim, kHalf>;
    case Codec::kTernary:
      return UnpackPlainTiles<Codec::kTernary, kDim, kHalf>;
    case Codec::kFp16:
      return nullptr;
  }
  return nullptr;
}

#else  // HWY_TARGET

// Fields kField, kField + 1, … of the words of one chunk of integer codes.
template <int kBits, int kDim, PageHalf kHalf, int kField>
HWY_INLINE void StoreIntegerFields(const WordRows& rows, int chunk, uint8_t* HWY_RESTRICT tiles) {
  constexpr int kFields = 8 / kBits;
  if constexpr (kField < kFields) {
    const int x = chunk * kFields + kField;
    for (int t = 0; t < 4; ++t) {
      for (int r = 0; r < 2; ++r) {
        // Keys: x = steps * T + s, i = 2s + r. Values: x = tiles * y + i, 16 tokens T = 2y + r.
        constexpr int kPerTile = kHalf == PageHalf::kKey ? kDim / 32 : kDim / 16;
        const int outer = x / kPerTile;
        const int inner = x % kPerTile;
        const int T = kHalf == PageHalf::kKey ? outer : 2 * outer + r;
        const int i = kHalf == PageHalf::kKey ? 2 * inner + r : inner;
        uint8_t* const tile = tiles + TileOffset<kDim, kHalf>(T, i, t);
        ForEachVector([&](size_t at) HWY_ATTR {
          StoreField<kBits * kField, (1u << kBits) - 1>(LoadRow(rows, 2 * t + r, at),
                                                        tile + 4 * at);
        });
      }
    }
    StoreIntegerFields<kBits, kDim, kHalf, kField + 1>(rows, chunk, tiles);
  }
}

template <int kBits, int kDim, PageHalf kHalf>
void UnpackInteger(const uint8_t* HWY_RESTRICT section, uint8_t* HWY_RESTRICT tiles) {
  constexpr int kChunks = kBits * kDim / 64;
  constexpr WordPairs kPairs =
      kHalf == PageHalf::kKey ? WordPairs::kAlternate : WordPairs::kAdjacent;
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    WordRows rows;
    TransposeChunk<kPairs>(section + 512 * chunk, rows);
    StoreIntegerFields<kBits, kDim, kHalf, 0>(rows, chunk, tiles);
  }
}

// One bit a value at head_dim 64: both u share a byte, bit 4u + i.
inline void UnpackValueInt1At64(const uint8_t* HWY_RESTRICT section, uint8_t* HWY_RESTRICT tiles) {
  WordRows rows;
  TransposeChunk<WordPairs::kAdjacent>(section, rows);
  for (int T = 0; T < kTokenTiles; ++T) {
    for (int t = 0; t < 4; ++t) {
      ForEachVector([&](size_t at) HWY_ATTR {
        const TileVec v =
            ShiftRightEach(Duplicate(LoadRow(rows, 2 * t + T / 2, at), T % 2 != 0), OddLanes(4));
        uint8_t* const tile = tiles + TileOffset<64, PageHalf::kValue>(T, 0, t) + 4 * at;
        StoreField<0, 1>(v, tile);
        StoreField<1, 1>(v, tile + kTileBytes);
        StoreField<2, 1>(v, tile + 2 * kTileBytes);
        StoreField<3, 1>(v, tile + 3 * kTileBytes);
      });
    }
  }
}

template <int kDim, PageHalf kHalf>
UnpackFunction UnpackerOf(Codec codec) {
  constexpr bool kKeys = kHalf == PageHalf::kKey;
  switch (codec) {
    case Codec::kInt8:
      return UnpackInteger<8, kDim, kHalf>;
    case Codec::kInt4:
      return UnpackInteger<4, kDim, kHalf>;
    case Codec::kInt2:
      return UnpackInteger<2, kDim, kHalf>;
    case Codec::kInt1:
      if constexpr (kDim == 64 && !kKeys) return UnpackValueInt1At64;
      return UnpackInteger<1, kDim, kHalf>;
    case Codec::kE8_1p5:
      if constexpr (kKeys) return kDim == 128 ? UnpackKeyE8_1p5At128 : UnpackKeyE8_1p5At64;
      return kDim == 128 ? UnpackValueE8_1p5At128 : UnpackValueE8_1p5At64;
    case Codec::kE8_2p5:
      if constexpr (kKeys) return kDim == 128 ? UnpackKeyE8_2p5At128 : UnpackKeyE8_2p5At64;
      return kDim == 128 ? UnpackValueE8_2p5At128 : UnpackValueE8_2p5At64;
    case Codec::kTernary:
      return UnpackPlainTiles<Codec::kTernary, kDim, kHalf>;
    case Codec::kFp16:
      return nullptr;
  }
  return nullptr;
}

#endif  // HWY_TARGET

// The unpacker of a half, null where its rows are FP16.
UnpackFunction Unpacker(PageHalf half, Codec codec, int head_dim) {
  switch (half) {
    case PageHalf::kKey:
      return head_dim == 128 ? UnpackerOf<128, PageHalf::kKey>(codec)
                             : UnpackerOf<64, PageHalf::kKey>(codec);
    case PageHalf::kValue:
      return head_dim == 128 ? UnpackerOf<128, PageHalf::kValue>(codec)
                             : UnpackerOf<64, PageHalf::kValue>(codec);
  }
  return nullptr;
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oriel {

HWY_EXPORT(Unpacker);

UnpackFunction BestUnpacker(PageHalf half, Codec codec, int head_dim) {
  return HWY_DYNAMIC_DISPATCH(Unpacker)(half, codec, head_dim);
}

}  // namespace oriel
#endif  // HWY_ONCE
