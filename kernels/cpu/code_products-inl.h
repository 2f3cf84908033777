// Products of unpacked codes (page_tiles.h) with 16-bit weights, exact in 32 bits. Compiled once
// for every instruction set.

#if defined(ORIEL_KERNELS_CPU_CODE_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_CODE_PRODUCTS_INL_H_
#undef ORIEL_KERNELS_CPU_CODE_PRODUCTS_INL_H_
#else
#define ORIEL_KERNELS_CPU_CODE_PRODUCTS_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "kernels/cpu/head_groups-inl.h"
#include "kernels/cpu/page_tiles.h"
#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// Adds the products of both 16-bit halves of every lane.
HWY_INLINE IntVec MulAddPairs(IntVec sum, IntVec a, IntVec b) {
#if HWY_TARGET == HWY_AVX3_DL
  // GCC 12 copies and spills the sums of the intrinsic; the operand of the instruction itself stays
  // in its register. Every machine of this target has VNNI.
  __m512i raw = sum.raw;
  asm("vpdpwssd %2, %1, %0" : "+v"(raw) : "v"(a.raw), "v"(b.raw));
  return IntVec{raw};
#elif HWY_TARGET == HWY_AVX3
  return IntVec{_mm512_add_epi32(sum.raw, _mm512_madd_epi16(a.raw, b.raw))};
#elif HWY_TARGET == HWY_AVX2
  return IntVec{_mm256_add_epi32(sum.raw, _mm256_madd_epi16(a.raw, b.raw))};
#elif HWY_ARCH_X86 && HWY_MAX_BYTES == 16 && HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
  return IntVec{_mm_add_epi32(sum.raw, _mm_madd_epi16(a.raw, b.raw))};
#else
  const IntVec low =
      hn::Mul(hn::ShiftRight<16>(hn::ShiftLeft<16>(a)), hn::ShiftRight<16>(hn::ShiftLeft<16>(b)));
  const IntVec high = hn::Mul(hn::ShiftRight<16>(a), hn::ShiftRight<16>(b));
  return hn::Add(sum, hn::Add(low, high));
#endif
}

// Which tiles meet which weights. For every tile column k and lane:
//   sums[h][16k + lane] = sum over steps s and bytes b of tile(k, s)[lane][b] * weight(h, s, b)
// Tile (k, s) lies at tiles + k * column_bytes + s * step_bytes. A head's weights of step s are its
// numbers 4s … 4s + 3, for bytes 0, 2, 1 and 3.
inline constexpr int kProductBytes[4] = {0, 2, 1, 3};

struct ProductShape {
  int columns = 0;
  int steps = 0;
  int column_bytes = 0;
  int step_bytes = 0;
  int weights_stride = 0;  // numbers from one head's weights to the next one's
  int sums_stride = 0;
};

constexpr ProductShape KeyProducts(int head_dim, int weights_stride) {
  return {.columns = kTokenTiles,
          .steps = head_dim / 4,
          .column_bytes = head_dim / 4 * kTileBytes,
          .step_bytes = kTileBytes,
          .weights_stride = weights_stride,
          .sums_stride = kPageTokens};
}

constexpr ProductShape ValueProducts(int head_dim, int weights_stride) {
  return {.columns = head_dim / kTileLanes,
          .steps = kTokenQuads,
          .column_bytes = kTileBytes,
          .step_bytes = head_dim / kTileLanes * kTileBytes,
          .weights_stride = weights_stride,
          .sums_stride = kHeadDimMax};
}

// Two weights as one lane.
HWY_INLINE int32_t LoadPair(const int16_t* weights) {
  int32_t pair;
  std::memcpy(&pair, weights, sizeof(pair));
  return pair;
}

template <int kHeads>
HWY_NOINLINE void CodeProducts(const ProductShape& shape, const uint8_t* HWY_RESTRICT tiles,
                               const int16_t* HWY_RESTRICT weights, int32_t* HWY_RESTRICT sums) {
  constexpr int kVectors = VectorsAtOnce(kHeads);
  const IntTag d;
  const IntVec lower_bytes = hn::Set(d, 0x00FF00FF);
  for (int first = 0; first < shape.columns * kTileLanes; first += kVectors * kFloatLanes) {
    const uint8_t* column[kVectors];
    IntVec sum[kHeads][kVectors];
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) {
      const int lane = first + v * kFloatLanes;
      column[v] = tiles + lane / kTileLanes * shape.column_bytes + lane % kTileLanes * 4;
      HWY_UNROLL(8)
      for (int h = 0; h < kHeads; ++h) sum[h][v] = hn::Zero(d);
    }
    for (int step = 0; step < shape.steps; ++step) {
      IntVec even[kVectors];
      IntVec odd[kVectors];
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        const IntVec codes =
            hn::LoadU(d, reinterpret_cast<const int32_t*>(column[v] + step * shape.step_bytes));
        even[v] = hn::And(codes, lower_bytes);
        odd[v] = hn::And(hn::ShiftRight<8>(codes), lower_bytes);
      }
      HWY_UNROLL(8)
      for (int h = 0; h < kHeads; ++h) {
        const int16_t* const w = weights + h * shape.weights_stride + 4 * step;
        const IntVec w_even = hn::Set(d, LoadPair(w));
        const IntVec w_odd = hn::Set(d, LoadPair(w + 2));
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) {
          sum[h][v] = MulAddPairs(sum[h][v], even[v], w_even);
          sum[h][v] = MulAddPairs(sum[h][v], odd[v], w_odd);
        }
      }
    }
    HWY_UNROLL(8)
    for (int h = 0; h < kHeads; ++h) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        hn::StoreU(sum[h][v], d, sums + h * shape.sums_stride + first + v * kFloatLanes);
      }
    }
  }
}

// The same for any number of heads.
inline void CodeProductsOfHeads(const ProductShape& shape, const uint8_t* tiles,
                                const int16_t* weights, int32_t* sums, int heads) {
  ForHeadGroups(heads, [&](auto count, int h) HWY_ATTR {
    CodeProducts<decltype(count)::value>(shape, tiles, weights + h * shape.weights_stride,
                                         sums + h * shape.sums_stride);
  });
}

// products[h] = sum over channels of fixed[h][c] * centre[c]
template <int kDim>
HWY_NOINLINE void CentreProducts(int heads, const int16_t (*HWY_RESTRICT fixed)[kDim],
                                 const int8_t* HWY_RESTRICT centre,
                                 int32_t* HWY_RESTRICT products) {
  for (int h = 0; h < heads; ++h) {
#if HWY_TARGET == HWY_SCALAR
    products[h] = 0;
    for (int c = 0; c < kDim; ++c) products[h] += fixed[h][c] * centre[c];
#else
    const IntTag d;
    const hn::Repartition<int16_t, IntTag> d16;
    const hn::Rebind<int8_t, decltype(d16)> d8;
    IntVec sum = hn::Zero(d);
    for (int c = 0; c < kDim; c += 2 * kFloatLanes) {
      const auto codes = hn::PromoteTo(d16, hn::LoadU(d8, centre + c));
      sum = MulAddPairs(sum, hn::BitCast(d, hn::Load(d16, fixed[h] + c)), hn::BitCast(d, codes));
    }
    products[h] = hn::GetLane(hn::SumOfLanes(d, sum));
#endif
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // ORIEL_KERNELS_CPU_CODE_PRODUCTS_INL_H_
