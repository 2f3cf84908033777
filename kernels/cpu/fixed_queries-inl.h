// Queries of one KV head's query heads as 16-bit fixed point. Compiled once for every instruction
// set.

#if defined(ORIEL_KERNELS_CPU_FIXED_QUERIES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_FIXED_QUERIES_INL_H_
#undef ORIEL_KERNELS_CPU_FIXED_QUERIES_INL_H_
#else
#define ORIEL_KERNELS_CPU_FIXED_QUERIES_INL_H_
#endif

#include <array>

#include "hwy/highway.h"
#include "kernels/cpu/code_products-inl.h"
#include "kernels/cpu/page_tiles.h"
#include "kernels/cpu/vector_math-inl.h"
#include "kernels/ops/check_kv_args.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

enum : int { kHeadsMax = static_cast<int>(kQueryHeadsPerKvHeadMax) };

inline constexpr float kFixedPointMax = 32767.0f;
inline constexpr float kLog2E = 1.44269504f;  // scores come out in bits

// How one row became fixed point: row = step * fixed.
struct FixedRow {
  float step = 0.0f;
  float sum = 0.0f;  // of the fixed-point numbers, exact
};

template <int kDim>
HWY_INLINE FixedRow FixRow(const float* HWY_RESTRICT row, int16_t* HWY_RESTRICT fixed) {
  const FloatTag d;
  const hn::Rebind<int16_t, IntTag> d16;
  FloatVec greatest = hn::Zero(d);
  for (int c = 0; c < kDim; c += kFloatLanes) {
    greatest = hn::Max(greatest, hn::Abs(hn::LoadU(d, row + c)));
  }
  const float top = hn::GetLane(hn::MaxOfLanes(d, greatest));
  const FloatVec inverse = hn::Set(d, top > 0.0f ? kFixedPointMax / top : 0.0f);
  IntVec sum = hn::Zero(IntTag());
  for (int c = 0; c < kDim; c += kFloatLanes) {
    const IntVec rounded = hn::NearestInt(hn::Mul(hn::LoadU(d, row + c), inverse));
    hn::StoreU(hn::DemoteTo(d16, rounded), d16, fixed + c);
    sum = hn::Add(sum, rounded);
  }
  return {.step = top / kFixedPointMax,
          .sum = static_cast<float>(hn::GetLane(hn::SumOfLanes(IntTag(), sum)))};
}

// The channel of the j-th weight of a key's products.
template <int kDim>
constexpr std::array<uint8_t, kDim> ProductChannels() {
  std::array<uint8_t, kDim> channels{};
  for (int j = 0; j < kDim; ++j) {
    const int quad = j / 4;
    channels[static_cast<size_t>(j)] = static_cast<uint8_t>(
        16 * (quad / 4) + KeyQuadChannel(kDim, quad % 4, kProductBytes[j % 4]));
  }
  return channels;
}

template <int kDim>
inline constexpr std::array<uint8_t, kDim> kProductChannels = ProductChannels<kDim>();

// Numbers 2 * pair and 2 * pair + 1 of the products' order as one lane of two 16-bit halves.
template <int kDim, typename T>
HWY_INLINE int32_t ProductPair(const T* HWY_RESTRICT row, int pair) {
  const size_t j = 2 * static_cast<size_t>(pair);
  const auto low = static_cast<uint16_t>(row[kProductChannels<kDim>[j]]);
  const auto high = static_cast<uint16_t>(row[kProductChannels<kDim>[j + 1]]);
  return static_cast<int32_t>(low | uint32_t{high} << 16);
}

// The query heads of one KV head.
template <int kDim>
struct FixedQueries {
  int heads = 0;
  alignas(64) float rows[kHeadsMax][kHeadDimMax];
  alignas(64) int16_t fixed[kHeadsMax][kDim];    // in channel order, for the centre
  alignas(64) int16_t weights[kHeadsMax][kDim];  // in the order of the codes' products
  float step[kHeadsMax];
  float sum[kHeadsMax];

  void Prepare(int h, const float* HWY_RESTRICT query, float softmax_scale) {
    const FloatTag d;
    const FloatVec factor = hn::Set(d, softmax_scale * kLog2E);
    for (int c = 0; c < kDim; c += kFloatLanes) {
      hn::Store(hn::Mul(hn::LoadU(d, query + c), factor), d, rows[h] + c);
    }
    const FixedRow row = FixRow<kDim>(rows[h], fixed[h]);
    step[h] = row.step;
    sum[h] = row.sum;
    for (int j = 0; j < kDim; ++j) {
      weights[h][j] = fixed[h][kProductChannels<kDim>[static_cast<size_t>(j)]];
    }
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // ORIEL_KERNELS_CPU_FIXED_QUERIES_INL_H_
