// How each block type is spread over lanes, one row a lane: per block of 32 columns the scale (Q6_K
// has two), the minimum where the type has one, and eight dwords of four codes each, in column
// order. Included once a target.

#if defined(ORIEL_KERNELS_CPU_MAT_MUL_CODECS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_MAT_MUL_CODECS_INL_H_
#undef ORIEL_KERNELS_CPU_MAT_MUL_CODECS_INL_H_
#else
#define ORIEL_KERNELS_CPU_MAT_MUL_CODECS_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "kernels/core/dtype.h"
#include "kernels/cpu/mat_mul_vector-inl.h"
#include "kernels/cpu/packed_panels.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// A panel is two vectors of rows, its halves.
constexpr int kPanelHalves = 2;
constexpr int kPanelRows = kPanelHalves * kLanes;

// Blocks of 32 columns that are spread at a time: 256 columns, the size of the K types' blocks.
constexpr int64_t kChunkBlocks = 8;

// A codec's Spread hands the blocks of one half of a panel to a sink, for each block first all
// codes, then, in the order in which products are summed, its scales and its minimum:
//   sink.Codes(block, dword, codes)    columns 4 * dword … 4 * dword + 3
//   sink.Scale(block, group, scale)    group: 0, or with kTwoScales 16 columns each
//   sink.Minimum(block, minimum)
// Blocks are numbered inside the chunk, which begins at block `first` of the row.

HWY_INLINE DwordVector AndDwords(DwordVector value, uint32_t mask) {
  return hn::And(value, hn::Set(DwordTag(), mask));
}
HWY_INLINE DwordVector LowNibbles(DwordVector value) { return AndDwords(value, 0x0F0F0F0Fu); }
HWY_INLINE DwordVector HighNibbles(DwordVector value) {
  return AndDwords(hn::ShiftRight<4>(value), 0x0F0F0F0Fu);
}

// One half of the rows of a panel (packed_panels.h).
template <DType kDType>
class HalfPanel {
 public:
  HWY_INLINE HalfPanel(const std::byte* panel, int64_t blocks, int half)
      : dwords_(panel + half * blocks * kDwordBytes),
        halves_(panel + kPanelHalves * blocks * kDwordBytes + half * kLanes * 2) {}

  // The rows of one block.
  struct Block {
    const std::byte* dwords;
    const std::byte* halves;

    HWY_INLINE DwordVector Dword(int place) const {
      return hn::Load(DwordTag(), reinterpret_cast<const uint32_t*>(dwords) + place * kLanes);
    }
    HWY_INLINE FloatVector Half(int field) const {
      const hn::Rebind<hwy::float16_t, FloatTag> d16;
      const auto* fields = reinterpret_cast<const hwy::float16_t*>(halves);
      return hn::PromoteTo(FloatTag(), hn::Load(d16, fields + field * kPanelRows));
    }
  };

  HWY_INLINE Block At(int64_t block) const {
    return {dwords_ + block * kDwordBytes, halves_ + block * kHalfBytes};
  }

 private:
  static constexpr BlockFields kFields = BlockFieldsOf(kDType);
  static constexpr int64_t kDwordBytes = int64_t{kFields.num_dwords} * kLanes * 4;
  static constexpr int64_t kHalfBytes = int64_t{kFields.num_halves} * kPanelRows * 2;

  const std::byte* dwords_;
  const std::byte* halves_;
};

// Bits 4 * kDword … 4 * kDword + 3 of a lane, as bit 4 of its four bytes.
template <int kDword>
HWY_INLINE DwordVector FifthBits(DwordVector bits) {
  const DwordVector four = AndDwords(hn::ShiftRight<4 * kDword>(bits), 15);
  const DwordVector spread = hn::Mul(four, hn::Set(DwordTag(), 0x00204081u));
  return hn::ShiftLeft<4>(AndDwords(spread, 0x01010101u));
}

// Q4_0, Q4_1, Q5_0, Q5_1: half fields d and (with a minimum) m; dword fields (with a fifth bit) qh,
// then four of codes.
template <DType kDType>
struct SmallBlockCodec {
  static constexpr bool kIsSuperBlock = false;
  static constexpr bool kHasMinimum = kDType == DType::kQ4_1 || kDType == DType::kQ5_1;
  static constexpr bool kHasFifthBit = kDType == DType::kQ5_0 || kDType == DType::kQ5_1;
  static constexpr bool kTwoScales = false;
  static constexpr bool kSignedCodes = false;
  static constexpr int kZeroShift = kHasMinimum ? 0 : (kHasFifthBit ? 4 : 3);  // log2 of the zero
  static constexpr int kCodeMax = kHasFifthBit ? 31 : 15;

  using Rows = HalfPanel<kDType>;

  template <class Sink>
  static HWY_INLINE void Spread(const Rows& rows, int64_t first, int64_t blocks, Sink& sink) {
    for (int64_t b = 0; b < blocks; ++b) {
      const typename Rows::Block block = rows.At(first + b);
      SpreadCodes(block, b, sink);
      sink.Scale(b, 0, block.Half(0));
      if constexpr (kHasMinimum) sink.Minimum(b, block.Half(1));
    }
  }

 private:
  template <class Sink>
  static HWY_INLINE void SpreadCodes(const typename Rows::Block& block, int64_t b, Sink& sink) {
    DwordVector codes[8];
    HWY_UNROLL(4)
    for (int j = 0; j < 4; ++j) {
      const DwordVector packed = block.Dword((kHasFifthBit ? 1 : 0) + j);
      codes[j] = LowNibbles(packed);
      codes[4 + j] = HighNibbles(packed);
    }
    if constexpr (kHasFifthBit) {
      const DwordVector bits = block.Dword(0);
      codes[0] = hn::Or(codes[0], FifthBits<0>(bits));
      codes[1] = hn::Or(codes[1], FifthBits<1>(bits));
      codes[2] = hn::Or(codes[2], FifthBits<2>(bits));
      codes[3] = hn::Or(codes[3], FifthBits<3>(bits));
      codes[4] = hn::Or(codes[4], FifthBits<4>(bits));
      codes[5] = hn::Or(codes[5], FifthBits<5>(bits));
      codes[6] = hn::Or(codes[6], FifthBits<6>(bits));
      codes[7] = hn::Or(codes[7], FifthBits<7>(bits));
    }
    HWY_UNROLL(8)
    for (int j = 0; j < 8; ++j) sink.Codes(b, j, codes[j]);
  }
};

// Signed bytes. Where the product wants unsigned codes, 128 is added and taken off as a zero.
struct Q8_0Codec {
  static constexpr bool kIsSuperBlock = false;
  static constexpr bool kHasMinimum = false;
  static constexpr bool kTwoScales = false;
  static constexpr bool kSignedCodes = !kHasVnni;
  static constexpr int kZeroShift = kHasVnni ? 7 : 0;
  static constexpr int kCodeMax = 255;

  using Rows = HalfPanel<DType::kQ8_0>;

  template <class Sink>
  static HWY_INLINE void Spread(const Rows& rows, int64_t first, int64_t blocks, Sink& sink) {
    const DwordVector flip = hn::Set(DwordTag(), kSignedCodes ? 0u : 0x80808080u);
    for (int64_t b = 0; b < blocks; ++b) {
      const Rows::Block block = rows.At(first + b);
      HWY_UNROLL(8)
      for (int j = 0; j < 8; ++j) sink.Codes(b, j, hn::Xor(block.Dword(j), flip));
      sink.Scale(b, 0, block.Half(0));
    }
  }
};

// Q4_K and Q5_K: half fields d and dmin; the last three dwords hold the 6-bit scales and minima,
// byte i of a dword for run i or run 4 + i (UnpackScales6 in gguf_blocks.h).
template <int kScalesPlace, class Block, class Sink>
HWY_INLINE void SpreadScales6(const Block& block, Sink& sink) {
  const FloatTag d;
  const IntTag di;
  const DwordVector top_bits = hn::Set(DwordTag(), 0x30303030u);
  const DwordVector first = block.Dword(kScalesPlace);
  const DwordVector second = block.Dword(kScalesPlace + 1);
  const DwordVector third = block.Dword(kScalesPlace + 2);
  const DwordVector scales[2] = {
      AndDwords(first, 0x3F3F3F3Fu),
      hn::Or(LowNibbles(third), hn::And(hn::ShiftRight<2>(first), top_bits))};
  const DwordVector minima[2] = {
      AndDwords(second, 0x3F3F3F3Fu),
      hn::Or(HighNibbles(third), hn::And(hn::ShiftRight<2>(second), top_bits))};
  const FloatVector scale_unit = block.Half(0);
  const FloatVector minimum_unit = hn::Neg(block.Half(1));
  HWY_UNROLL(8)
  for (int run = 0; run < 8; ++run) {
    const int shift = 8 * (run % 4);
    const auto scale = AndDwords(hn::ShiftRightSame(scales[run / 4], shift), 255);
    const auto minimum = AndDwords(hn::ShiftRightSame(minima[run / 4], shift), 255);
    sink.Scale(run, 0, hn::Mul(scale_unit, hn::ConvertTo(d, hn::BitCast(di, scale))));
    sink.Minimum(run, hn::Mul(minimum_unit, hn::ConvertTo(d, hn::BitCast(di, minimum))));
  }
}

struct Q4_KCodec {
  static constexpr bool kIsSuperBlock = true;
  static constexpr bool kHasMinimum = true;
  static constexpr bool kTwoScales = false;
  static constexpr bool kSignedCodes = false;
  static constexpr int kZeroShift = 0;
  static constexpr int kCodeMax = 15;
  static constexpr int kScalesPlace = 32;

  using Rows = HalfPanel<DType::kQ4_K>;

  template <class Sink>
  static HWY_INLINE void Spread(const Rows& rows, int64_t first, int64_t /*blocks*/, Sink& sink) {
    const Rows::Block block = rows.At(first / kChunkBlocks);
    HWY_UNROLL(4)
    for (int pair = 0; pair < 4; ++pair) {
      HWY_UNROLL(8)
      for (int j = 0; j < 8; ++j) {
        const DwordVector codes = block.Dword(8 * pair + j);
        sink.Codes(2 * pair, j, LowNibbles(codes));
        sink.Codes(2 * pair + 1, j, HighNibbles(codes));
      }
    }
    SpreadScales6<kScalesPlace>(block, sink);
  }
};

struct Q5_KCodec {
  static constexpr bool kIsSuperBlock = true;
  static constexpr bool kHasMinimum = true;
  static constexpr bool kTwoScales = false;
  static constexpr bool kSignedCodes = false;
  static constexpr int kZeroShift = 0;
  static constexpr int kCodeMax = 31;
  static constexpr int kCodesPlace = 8;
  static constexpr int kScalesPlace = 40;

  using Rows = HalfPanel<DType::kQ5_K>;

  template <class Sink>
  static HWY_INLINE void Spread(const Rows& rows, int64_t first, int64_t /*blocks*/, Sink& sink) {
    const Rows::Block block = rows.At(first / kChunkBlocks);
    HWY_UNROLL(4)
    for (int pair = 0; pair < 4; ++pair) {
      HWY_UNROLL(8)
      for (int j = 0; j < 8; ++j) {
        const DwordVector codes = block.Dword(kCodesPlace + 8 * pair + j);
        const DwordVector bits = hn::ShiftRightSame(block.Dword(j), 2 * pair);
        const DwordVector low_fifth = hn::ShiftLeft<4>(AndDwords(bits, 0x01010101u));
        const DwordVector high_fifth = hn::ShiftLeft<3>(AndDwords(bits, 0x02020202u));
        sink.Codes(2 * pair, j, hn::Or(LowNibbles(codes), low_fifth));
        sink.Codes(2 * pair + 1, j, hn::Or(HighNibbles(codes), high_fifth));
      }
    }
    SpreadScales6<kScalesPlace>(block, sink);
  }
};

// Dwords: sixteen times two of low bits and one of high bits, then 4 of scales (BlockQ6_K in
// gguf_blocks.h).
struct Q6_KCodec {
  static constexpr bool kIsSuperBlock = true;
  static constexpr bool kHasMinimum = false;
  static constexpr bool kTwoScales = true;
  static constexpr bool kSignedCodes = false;
  static constexpr int kZeroShift = 5;
  static constexpr int kCodeMax = 63;
  static constexpr int kScalesPlace = 48;

  using Rows = HalfPanel<DType::kQ6_K>;

  template <class Sink>
  static HWY_INLINE void Spread(const Rows& rows, int64_t first, int64_t /*blocks*/, Sink& sink) {
    const Rows::Block block = rows.At(first / kChunkBlocks);
    HWY_UNROLL(8)
    for (int j = 0; j < 8; ++j) SpreadDword(block, 0, j, sink);
    HWY_UNROLL(8)
    for (int j = 0; j < 8; ++j) SpreadDword(block, 1, j, sink);
    SpreadScales(block, sink);
  }

 private:
  // Dword j of each of the four blocks in one half of the 256 columns.
  template <class Sink>
  static HWY_INLINE void SpreadDword(const Rows::Block& block, int columns_half, int j,
                                     Sink& sink) {
    const DwordVector two_bits = hn::Set(DwordTag(), 0x30303030u);
    const int place = 24 * columns_half + 3 * j;
    const DwordVector low_02 = block.Dword(place);
    const DwordVector low_13 = block.Dword(place + 1);
    const DwordVector high = block.Dword(place + 2);
    const DwordVector high_0 = hn::And(hn::ShiftLeft<4>(high), two_bits);
    const DwordVector high_1 = hn::And(hn::ShiftLeft<2>(high), two_bits);
    const DwordVector high_2 = hn::And(high, two_bits);
    const DwordVector high_3 = hn::And(hn::ShiftRight<2>(high), two_bits);
    const int b = 4 * columns_half;
    sink.Codes(b, j, hn::Or(LowNibbles(low_02), high_0));
    sink.Codes(b + 1, j, hn::Or(LowNibbles(low_13), high_1));
    sink.Codes(b + 2, j, hn::Or(HighNibbles(low_02), high_2));
    sink.Codes(b + 3, j, hn::Or(HighNibbles(low_13), high_3));
  }

  // Scale 2 * b + g belongs to columns 16 * g … of block b.
  template <class Sink>
  static HWY_INLINE void SpreadScales(const Rows::Block& block, Sink& sink) {
    const FloatVector unit = block.Half(0);
    HWY_UNROLL(16)
    for (int run = 0; run < 16; ++run) {
      const DwordVector four = block.Dword(kScalesPlace + run / 4);
      const DwordVector top = hn::ShiftLeftSame(four, 24 - 8 * (run % 4));
      const IntVector scale = hn::ShiftRight<24>(hn::BitCast(IntTag(), top));
      sink.Scale(run / 2, run % 2, hn::Mul(unit, hn::ConvertTo(FloatTag(), scale)));
    }
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
