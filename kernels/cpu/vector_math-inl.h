// Small vector functions of the KV kernels. Compiled once for every instruction set.

#if defined(ORIEL_KERNELS_CPU_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_VECTOR_MATH_INL_H_
#undef ORIEL_KERNELS_CPU_VECTOR_MATH_INL_H_
#else
#define ORIEL_KERNELS_CPU_VECTOR_MATH_INL_H_
#endif

#include <cmath>

#include "hwy/highway.h"
#include "kernels/core/half.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes: a tile's lanes are then a whole number of vectors.
using FloatTag = hn::CappedTag<float, 16>;
using FloatVec = hn::Vec<FloatTag>;
using IntTag = hn::RebindToSigned<FloatTag>;
using IntVec = hn::Vec<IntTag>;

// As an enumerator it is a constant in lambdas and array bounds.
enum : int { kFloatLanes = HWY_TARGET == HWY_SCALAR ? 1 : HWY_MIN(HWY_MAX_BYTES / 4, 16) };

// 2^x for x <= 0, and exactly 1 for 0. Relative error below 5e-7; below 2^-126 the result is 0.
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
// A polynomial of the fraction, scaled by the whole part: both have an instruction.
HWY_INLINE FloatVec Exp2(FloatVec x) {
  const FloatTag d;
  const FloatVec f{_mm512_reduce_ps(x.raw, 1)};
  FloatVec p = hn::Set(d, 1.78836880e-3f);
  p = hn::MulAdd(p, f, hn::Set(d, 9.19938739e-3f));
  p = hn::MulAdd(p, f, hn::Set(d, 5.56570552e-2f));
  p = hn::MulAdd(p, f, hn::Set(d, 2.40207195e-1f));
  p = hn::MulAdd(p, f, hn::Set(d, 6.93147540e-1f));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0f));
  const __mmask16 is_normal = _mm512_cmp_ps_mask(x.raw, _mm512_set1_ps(-126.0f), _CMP_GE_OQ);
  return FloatVec{_mm512_maskz_scalef_ps(is_normal, p.raw, x.raw)};
}
#else
HWY_INLINE FloatVec Exp2(FloatVec x) {
  const FloatTag d;
  const auto is_tiny = hn::Lt(x, hn::Set(d, -126.0f));
  const FloatVec clamped = hn::Max(x, hn::Set(d, -126.0f));
  const FloatVec whole = hn::Round(clamped);
  const FloatVec f = hn::Sub(clamped, whole);
  FloatVec p = hn::Set(d, 1.54035304e-4f);
  p = hn::MulAdd(p, f, hn::Set(d, 1.33335581e-3f));
  p = hn::MulAdd(p, f, hn::Set(d, 9.61812911e-3f));
  p = hn::MulAdd(p, f, hn::Set(d, 5.55041087e-2f));
  p = hn::MulAdd(p, f, hn::Set(d, 2.40226507e-1f));
  p = hn::MulAdd(p, f, hn::Set(d, 6.93147181e-1f));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0f));
  const IntVec exponent = hn::ShiftLeft<23>(hn::ConvertTo(IntTag(), whole));
  const FloatVec scaled = hn::BitCast(d, hn::Add(hn::BitCast(IntTag(), p), exponent));
  return hn::IfThenZeroElse(is_tiny, scaled);
}
#endif

#if HWY_TARGET != HWY_SCALAR
// Stores the sum of a vector's blocks of four lanes.
template <class D>
HWY_INLINE void StoreSumOfBlocks(D d, hn::Vec<D> v, float* HWY_RESTRICT out) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    hn::StoreU(v, d, out);
  } else {
    const hn::Half<D> half;
    StoreSumOfBlocks(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)), out);
  }
}
#endif

// Where no instruction converts, Highway's own conversion knows no infinities and truncates: there
// the plain one serves.
#define ORIEL_HAS_HALF_CONVERSION (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2)

HWY_INLINE FloatVec LoadHalves(const Half* HWY_RESTRICT from) {
#if ORIEL_HAS_HALF_CONVERSION
  const hn::Rebind<hwy::float16_t, FloatTag> d16;
  return hn::PromoteTo(FloatTag(), hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(from)));
#else
  alignas(64) float lanes[kFloatLanes];
  for (int i = 0; i < kFloatLanes; ++i) lanes[i] = ToFloat(from[i]);
  return hn::Load(FloatTag(), lanes);
#endif
}

// Rounds to nearest, ties to even.
HWY_INLINE void StoreHalves(FloatVec v, Half* HWY_RESTRICT to) {
#if ORIEL_HAS_HALF_CONVERSION
  const hn::Rebind<hwy::float16_t, FloatTag> d16;
  hn::StoreU(hn::DemoteTo(d16, v), d16, reinterpret_cast<hwy::float16_t*>(to));
#else
  alignas(64) float lanes[kFloatLanes];
  hn::Store(v, FloatTag(), lanes);
  for (int i = 0; i < kFloatLanes; ++i) to[i] = ToHalf(lanes[i]);
#endif
}

#undef ORIEL_HAS_HALF_CONVERSION

template <int kDim>
HWY_INLINE void HalvesToFloats(const Half* HWY_RESTRICT from, float* HWY_RESTRICT to) {
  for (int c = 0; c < kDim; c += kFloatLanes) {
    hn::StoreU(LoadHalves(from + c), FloatTag(), to + c);
  }
}

// Lane l gets lane l ^ kStride.
template <int kStride>
HWY_INLINE FloatVec SwapLanes(FloatVec v) {
#if HWY_TARGET == HWY_SCALAR
  return v;
#else
  if constexpr (kStride == 1) return hn::Shuffle2301(v);
  if constexpr (kStride == 2) return hn::Shuffle1032(v);
#if HWY_MAX_BYTES >= 32
  if constexpr (kStride * 2 == kFloatLanes) return hn::ConcatLowerUpper(FloatTag(), v, v);
  if constexpr (kStride == 4) return hn::SwapAdjacentBlocks(v);
#endif
#endif
}

// One stage inside the vectors: the lower lane of a pair becomes the sum, the upper one the
// difference.
template <int kStride, int kVectors>
HWY_INLINE void HadamardLanes(FloatVec (&v)[kVectors]) {
  if constexpr (kStride < kFloatLanes) {
    const FloatTag d;
    const auto lane = hn::Iota(IntTag(), 0);
    const auto upper = hn::TestBit(lane, hn::Set(IntTag(), kStride));
    const FloatVec sign =
        hn::IfThenElse(hn::RebindMask(d, upper), hn::Set(d, -1.0f), hn::Set(d, 1.0f));
    for (FloatVec& x : v) x = hn::MulAdd(x, sign, SwapLanes<kStride>(x));
    HadamardLanes<2 * kStride>(v);
  }
}

// Multiplies a row by the Hadamard matrix in Sylvester order, divided by sqrt(kDim).
template <int kDim>
HWY_INLINE void HadamardRow(float* HWY_RESTRICT row) {
  const FloatTag d;
  constexpr int kVectors = kDim / kFloatLanes;
  FloatVec v[kVectors];
  for (int i = 0; i < kVectors; ++i) v[i] = hn::LoadU(d, row + i * kFloatLanes);
  HadamardLanes<1>(v);
  for (int stride = 1; stride < kVectors; stride *= 2) {
    for (int i = 0; i < kVectors; ++i) {
      if ((i & stride) != 0) continue;
      const FloatVec x = v[i];
      v[i] = hn::Add(x, v[i + stride]);
      v[i + stride] = hn::Sub(x, v[i + stride]);
    }
  }
  const FloatVec factor = hn::Set(d, 1.0f / std::sqrt(static_cast<float>(kDim)));
  for (int i = 0; i < kVectors; ++i) hn::StoreU(hn::Mul(v[i], factor), d, row + i * kFloatLanes);
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // ORIEL_KERNELS_CPU_VECTOR_MATH_INL_H_
