// How each block type is spread over lanes, one row a lane: per block of 32 columns the scale (Q6_K
// has two), the minimum where the type has one, and eight dwords of four unsigned codes each, in
// column order. Included once a target.

#if defined(ORIEL_KERNELS_CPU_MAT_MUL_CODECS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_MAT_MUL_CODECS_INL_H_
#undef ORIEL_KERNELS_CPU_MAT_MUL_CODECS_INL_H_
#else
#define ORIEL_KERNELS_CPU_MAT_MUL_CODECS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/core/gguf_blocks.h"
#include "kernels/cpu/mat_mul_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// A panel is two vectors of rows. One block of a panel in memory, in vectors, those of the two row
// halves side by side: scale, second scale or minimum, eight code dwords.
constexpr int kPanelVectors = 2;
constexpr int kPanelRows = kPanelVectors * kLanes;
constexpr int kScaleVector = 0;
constexpr int kSecondVector = 1;
constexpr int kCodeVector = 2;
constexpr int kBlockVectors = kCodeVector + 8;
constexpr int64_t kBlockFloats = int64_t{kBlockVectors} * kPanelRows;

// Blocks that are spread at a time: 256 columns, the size of the K types' blocks.
constexpr int64_t kChunkBlocks = 8;
constexpr int64_t kChunkFloats = kChunkBlocks * kBlockFloats;

// Where one half of a panel writes. Vector v of block b lies at floats + (b * kBlockVectors + v) *
// kPanelRows.
struct PanelHalf {
  float* floats;

  HWY_INLINE void StoreFloats(int64_t block, int vector, FloatVector value) const {
    hn::Store(value, FloatTag(), floats + block * kBlockFloats + vector * kPanelRows);
  }
  HWY_INLINE void StoreCodes(int64_t block, int dword, DwordVector value) const {
    StoreFloats(block, kCodeVector + dword, hn::BitCast(FloatTag(), value));
  }
};

HWY_INLINE DwordVector AndDwords(DwordVector value, uint32_t mask) {
  return hn::And(value, hn::Set(DwordTag(), mask));
}
HWY_INLINE DwordVector LowNibbles(DwordVector value) { return AndDwords(value, 0x0F0F0F0Fu); }
HWY_INLINE DwordVector HighNibbles(DwordVector value) {
  return AndDwords(hn::ShiftRight<4>(value), 0x0F0F0F0Fu);
}

// One 16-bit number of every row, gathered by scalar moves: they run beside the vector work.
struct RowHalves {
  HWY_ALIGN uint16_t bits[kLanes];

  HWY_INLINE void Gather(const std::byte* const* rows, int64_t offset) {
    for (int row = 0; row < kLanes; ++row) {
      std::memcpy(&bits[row], rows[row] + offset, sizeof(uint16_t));
    }
  }
  HWY_INLINE FloatVector ToFloats() const {
    const hn::Rebind<uint16_t, FloatTag> d16;
    const hn::Rebind<hwy::float16_t, FloatTag> d_half;
    return hn::PromoteTo(FloatTag(), hn::BitCast(d_half, hn::Load(d16, bits)));
  }
};

struct RowDwords {
  HWY_ALIGN uint32_t bits[kLanes];

  HWY_INLINE void Gather(const std::byte* const* rows, int64_t offset) {
    for (int row = 0; row < kLanes; ++row) {
      std::memcpy(&bits[row], rows[row] + offset, sizeof(uint32_t));
    }
  }
  HWY_INLINE DwordVector Get() const { return hn::Load(DwordTag(), bits); }
};

// Bits 4 * kDword … 4 * kDword + 3 of a lane, as bit 4 of its four bytes.
template <int kDword>
HWY_INLINE DwordVector FifthBits(DwordVector bits) {
  const DwordVector four = AndDwords(hn::ShiftRight<4 * kDword>(bits), 15);
  const DwordVector spread = hn::Mul(four, hn::Set(DwordTag(), 0x00204081u));
  return hn::ShiftLeft<4>(AndDwords(spread, 0x01010101u));
}

// Q4_0, Q4_1, Q5_0, Q5_1: header [d][m if kMinimum][qh if kFifthBits], then 16 bytes of codes.
template <bool kMinimum, bool kFifthBits>
struct SmallBlockCodec {
  static constexpr bool kHasMinimum = kMinimum;
  static constexpr bool kTwoScales = false;
  static constexpr bool kSignedCodes = false;
  static constexpr int kZeroShift = kMinimum ? 0 : (kFifthBits ? 4 : 3);  // code of zero, log2
  static constexpr int kCodeMax = kFifthBits ? 31 : 15;
  static constexpr int64_t kHighOffset = kMinimum ? 4 : 2;
  static constexpr int64_t kCodesOffset = kHighOffset + (kFifthBits ? 4 : 0);
  static constexpr int64_t kBlockBytes = kCodesOffset + 16;

  static void Spread(const std::byte* const* rows, int64_t first_block, int64_t blocks,
                     PanelHalf out) {
    RowHalves scales[kChunkBlocks];
    RowHalves minima[kMinimum ? kChunkBlocks : 1];
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t offset = (first_block + b) * kBlockBytes;
      scales[b].Gather(rows, offset);
      if constexpr (kMinimum) minima[b].Gather(rows, offset + 2);
      SpreadCodes(rows, offset, b, out);
    }
    // Read back well after they were written, so that the loads need not wait for the stores.
    for (int64_t b = 0; b < blocks; ++b) {
      out.StoreFloats(b, kScaleVector, scales[b].ToFloats());
      if constexpr (kMinimum) out.StoreFloats(b, kSecondVector, minima[b].ToFloats());
    }
  }

 private:
  static HWY_INLINE void SpreadCodes(const std::byte* const* rows, int64_t offset, int64_t block,
                                     PanelHalf out) {
    DwordVector packed[4];
    LoadDwords4(rows, offset + kCodesOffset, packed);
    DwordVector low[4];
    DwordVector high[4];
    for (int j = 0; j < 4; ++j) {
      low[j] = LowNibbles(packed[j]);
      high[j] = HighNibbles(packed[j]);
    }
    if constexpr (kFifthBits) {
      RowDwords fifth;
      fifth.Gather(rows, offset + kHighOffset);
      const DwordVector bits = fifth.Get();
      low[0] = hn::Or(low[0], FifthBits<0>(bits));
      low[1] = hn::Or(low[1], FifthBits<1>(bits));
      low[2] = hn::Or(low[2], FifthBits<2>(bits));
      low[3] = hn::Or(low[3], FifthBits<3>(bits));
      high[0] = hn::Or(high[0], FifthBits<4>(bits));
      high[1] = hn::Or(high[1], FifthBits<5>(bits));
      high[2] = hn::Or(high[2], FifthBits<6>(bits));
      high[3] = hn::Or(high[3], FifthBits<7>(bits));
    }
    for (int j = 0; j < 4; ++j) {
      out.StoreCodes(block, j, low[j]);
      out.StoreCodes(block, 4 + j, high[j]);
    }
  }
};

// Signed bytes. Where the product wants unsigned codes, 128 is added and taken off as a zero.
struct Q8_0Codec {
  static constexpr bool kHasMinimum = false;
  static constexpr bool kTwoScales = false;
  static constexpr bool kSignedCodes = !kHasVnni;
  static constexpr int kZeroShift = kHasVnni ? 7 : 0;
  static constexpr int kCodeMax = 255;
  static constexpr int64_t kBlockBytes = sizeof(BlockQ8_0);

  static void Spread(const std::byte* const* rows, int64_t first_block, int64_t blocks,
                     PanelHalf out) {
    RowHalves scales[kChunkBlocks];
    const DwordVector flip = hn::Set(DwordTag(), kSignedCodes ? 0u : 0x80808080u);
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t offset = (first_block + b) * kBlockBytes;
      scales[b].Gather(rows, offset);
      for (int half = 0; half < 2; ++half) {
        DwordVector codes[4];
        LoadDwords4(rows, offset + 2 + 16 * half, codes);
        for (int j = 0; j < 4; ++j) out.StoreCodes(b, 4 * half + j, hn::Xor(codes[j], flip));
      }
    }
    for (int64_t b = 0; b < blocks; ++b) out.StoreFloats(b, kScaleVector, scales[b].ToFloats());
  }
};

// Q4_K and Q5_K: the first 16 bytes [d][dmin][12 bytes of 6-bit scales] of a block are four dwords.
HWY_INLINE void SpreadScales6(const std::byte* const* rows, int64_t offset, PanelHalf out) {
  const IntTag di;
  RowHalves d_halves;
  RowHalves dmin_halves;
  d_halves.Gather(rows, offset);
  dmin_halves.Gather(rows, offset + 2);
  DwordVector header[4];
  LoadDwords4(rows, offset, header);
  // Byte i of a dword is run i or run 4 + i.
  const DwordVector top_bits = hn::Set(DwordTag(), 0x30303030u);
  const DwordVector scales[2] = {
      AndDwords(header[1], 0x3F3F3F3Fu),
      hn::Or(LowNibbles(header[3]), hn::And(hn::ShiftRight<2>(header[1]), top_bits))};
  const DwordVector minima[2] = {
      AndDwords(header[2], 0x3F3F3F3Fu),
      hn::Or(HighNibbles(header[3]), hn::And(hn::ShiftRight<2>(header[2]), top_bits))};
  const FloatVector d = d_halves.ToFloats();
  const FloatVector minus_dmin = hn::Neg(dmin_halves.ToFloats());
  for (int run = 0; run < 8; ++run) {
    const int shift = 8 * (run % 4);
    const DwordVector scale = AndDwords(hn::ShiftRightSame(scales[run / 4], shift), 255);
    const DwordVector minimum = AndDwords(hn::ShiftRightSame(minima[run / 4], shift), 255);
    out.StoreFloats(run, kScaleVector,
                    hn::Mul(d, hn::ConvertTo(FloatTag(), hn::BitCast(di, scale))));
    out.StoreFloats(run, kSecondVector,
                    hn::Mul(minus_dmin, hn::ConvertTo(FloatTag(), hn::BitCast(di, minimum))));
  }
}

struct Q4_KCodec {
  static constexpr bool kHasMinimum = true;
  static constexpr bool kTwoScales = false;
  static constexpr bool kSignedCodes = false;
  static constexpr int kZeroShift = 0;
  static constexpr int kCodeMax = 15;
  static constexpr int64_t kBlockBytes = sizeof(BlockQ4_K);

  static void Spread(const std::byte* const* rows, int64_t first_block, int64_t blocks,
                     PanelHalf out) {
    (void)blocks;
    const int64_t offset = first_block / kChunkBlocks * kBlockBytes;
    for (int64_t quad = 0; quad < 8; ++quad) {  // 16 bytes: half of two runs
      DwordVector packed[4];
      LoadDwords4(rows, offset + 16 + 16 * quad, packed);
      const int64_t run = quad / 2 * 2;
      const int first = static_cast<int>(quad % 2) * 4;
      for (int j = 0; j < 4; ++j) {
        out.StoreCodes(run, first + j, LowNibbles(packed[j]));
        out.StoreCodes(run + 1, first + j, HighNibbles(packed[j]));
      }
    }
    SpreadScales6(rows, offset, out);
  }
};

struct Q5_KCodec {
  static constexpr bool kHasMinimum = true;
  static constexpr bool kTwoScales = false;
  static constexpr bool kSignedCodes = false;
  static constexpr int kZeroShift = 0;
  static constexpr int kCodeMax = 31;
  static constexpr int64_t kBlockBytes = sizeof(BlockQ5_K);

  static void Spread(const std::byte* const* rows, int64_t first_block, int64_t blocks,
                     PanelHalf out) {
    (void)blocks;
    const int64_t offset = first_block / kChunkBlocks * kBlockBytes;
    for (int half = 0; half < 2; ++half) {
      DwordVector fifth[4];
      LoadDwords4(rows, offset + 16 + 16 * half, fifth);
      for (int pair = 0; pair < 4; ++pair) {
        DwordVector packed[4];
        LoadDwords4(rows, offset + 48 + 32 * pair + 16 * half, packed);
        for (int j = 0; j < 4; ++j) {
          const DwordVector bits = hn::ShiftRightSame(fifth[j], 2 * pair);
          const DwordVector low_fifth = hn::ShiftLeft<4>(AndDwords(bits, 0x01010101u));
          const DwordVector high_fifth = hn::ShiftLeft<3>(AndDwords(bits, 0x02020202u));
          out.StoreCodes(2 * pair, 4 * half + j, hn::Or(LowNibbles(packed[j]), low_fifth));
          out.StoreCodes(2 * pair + 1, 4 * half + j, hn::Or(HighNibbles(packed[j]), high_fifth));
        }
      }
    }
    SpreadScales6(rows, offset, out);
  }
};

struct Q6_KCodec {
  static constexpr bool kHasMinimum = false;
  static constexpr bool kTwoScales = true;
  static constexpr bool kSignedCodes = false;
  static constexpr int kZeroShift = 5;
  static constexpr int kCodeMax = 63;
  static constexpr int64_t kBlockBytes = sizeof(BlockQ6_K);
  static constexpr int64_t kHighOffset = 128;
  static constexpr int64_t kScalesOffset = 192;
  static constexpr int64_t kDOffset = 208;

  static void Spread(const std::byte* const* rows, int64_t first_block, int64_t blocks,
                     PanelHalf out) {
    (void)blocks;
    const int64_t offset = first_block / kChunkBlocks * kBlockBytes;
    RowHalves d;
    d.Gather(rows, offset + kDOffset);
    for (int half = 0; half < 2; ++half) {
      SpreadQuarters(rows, offset, half, 0, out);
      SpreadQuarters(rows, offset, half, 1, out);
    }
    SpreadScales(rows, offset, d.ToFloats(), out);
  }

 private:
  // 16 columns (`part` of 32) of each of the four blocks of one half.
  static HWY_INLINE void SpreadQuarters(const std::byte* const* rows, int64_t offset, int half,
                                        int part, PanelHalf out) {
    DwordVector low_02[4];
    DwordVector low_13[4];
    DwordVector high[4];
    LoadDwords4(rows, offset + 64 * half + 16 * part, low_02);
    LoadDwords4(rows, offset + 64 * half + 32 + 16 * part, low_13);
    LoadDwords4(rows, offset + kHighOffset + 32 * half + 16 * part, high);
    const DwordVector two_bits = hn::Set(DwordTag(), 0x30303030u);
    const int block = 4 * half;
    for (int j = 0; j < 4; ++j) {
      const DwordVector high_0 = hn::And(hn::ShiftLeft<4>(high[j]), two_bits);
      const DwordVector high_1 = hn::And(hn::ShiftLeft<2>(high[j]), two_bits);
      const DwordVector high_2 = hn::And(high[j], two_bits);
      const DwordVector high_3 = hn::And(hn::ShiftRight<2>(high[j]), two_bits);
      const int dword = 4 * part + j;
      out.StoreCodes(block, dword, hn::Or(LowNibbles(low_02[j]), high_0));
      out.StoreCodes(block + 1, dword, hn::Or(LowNibbles(low_13[j]), high_1));
      out.StoreCodes(block + 2, dword, hn::Or(HighNibbles(low_02[j]), high_2));
      out.StoreCodes(block + 3, dword, hn::Or(HighNibbles(low_13[j]), high_3));
    }
  }

  // Scale 2 * b + g belongs to columns 16 * g … of block b.
  static HWY_INLINE void SpreadScales(const std::byte* const* rows, int64_t offset, FloatVector d,
                                      PanelHalf out) {
    DwordVector scales[4];
    LoadDwords4(rows, offset + kScalesOffset, scales);
    for (int run = 0; run < 16; ++run) {
      const DwordVector top = hn::ShiftLeftSame(scales[run / 4], 24 - 8 * (run % 4));
      const IntVector scale = hn::ShiftRight<24>(hn::BitCast(IntTag(), top));
      out.StoreFloats(run / 2, run % 2 == 0 ? kScaleVector : kSecondVector,
                      hn::Mul(d, hn::ConvertTo(FloatTag(), scale)));
    }
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
