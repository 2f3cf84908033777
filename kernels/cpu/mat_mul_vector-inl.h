// The one step of the block product that differs between instruction sets: the product of four
// bytes with four bytes in each lane. Included once a target; the rest of the product is written on
// it.

#if defined(ORIEL_KERNELS_CPU_MAT_MUL_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_MAT_MUL_VECTOR_INL_H_
#undef ORIEL_KERNELS_CPU_MAT_MUL_VECTOR_INL_H_
#else
#define ORIEL_KERNELS_CPU_MAT_MUL_VECTOR_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::RebindToSigned<FloatTag>;
using DwordTag = hn::RebindToUnsigned<FloatTag>;
using FloatVector = hn::Vec<FloatTag>;
using IntVector = hn::Vec<IntTag>;
using DwordVector = hn::Vec<DwordTag>;

constexpr int kLanes = HWY_LANES(float);

#if HWY_TARGET == HWY_AVX3_DL
constexpr bool kHasVnni = true;
#else
constexpr bool kHasVnni = false;
#endif

// How bytes are multiplied. `Sum` holds what has been added since the last Widen.
#if HWY_TARGET == HWY_AVX3_DL
// Unsigned weight codes times signed input codes, four to a 32-bit lane, exact. Written out because
// Highway's target of this name asks the processor for the instruction but not the compiler.
HWY_INLINE IntVector AddProducts(IntVector sum, IntVector weights, IntVector input) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(weights.raw), "v"(input.raw));
  return sum;
}
#elif HWY_TARGET == HWY_SCALAR
HWY_INLINE IntVector ByteProducts(IntVector weights, IntVector input, bool signed_weights) {
  const uint32_t w = static_cast<uint32_t>(hn::GetLane(weights));
  const uint32_t x = static_cast<uint32_t>(hn::GetLane(input));
  int32_t sum = 0;
  for (int shift = 0; shift < 32; shift += 8) {
    const uint8_t code = static_cast<uint8_t>(w >> shift);
    const int32_t weight = signed_weights ? static_cast<int8_t>(code) : code;
    sum += weight * static_cast<int8_t>(x >> shift);
  }
  return hn::Set(IntTag(), sum);
}
HWY_INLINE IntVector AddPairs(IntVector a, IntVector b) { return hn::Add(a, b); }
HWY_INLINE IntVector WidenPairs(IntVector pairs) { return pairs; }
#else
#if HWY_MAX_BYTES == 64
#define ORIEL_SIMD(name) _mm512_##name
#elif HWY_MAX_BYTES == 32
#define ORIEL_SIMD(name) _mm256_##name
#else
#define ORIEL_SIMD(name) _mm_##name
#endif

// Sums of two products in each 16-bit half of a lane. They saturate beyond 16 bits: unsigned codes
// up to 127 stay inside, signed ones are multiplied as |weight| * (input with the weight's sign).
HWY_INLINE IntVector ByteProducts(IntVector weights, IntVector input, bool signed_weights) {
  if (!signed_weights) return IntVector{ORIEL_SIMD(maddubs_epi16)(weights.raw, input.raw)};
#if HWY_MAX_BYTES == 64
  const __mmask64 negative = _mm512_movepi8_mask(weights.raw);
  const __m512i signed_input =
      _mm512_mask_sub_epi8(input.raw, negative, _mm512_setzero_si512(), input.raw);
#else
  const auto signed_input = ORIEL_SIMD(sign_epi8)(input.raw, weights.raw);
#endif
  return IntVector{ORIEL_SIMD(maddubs_epi16)(ORIEL_SIMD(abs_epi8)(weights.raw), signed_input)};
}
HWY_INLINE IntVector AddPairs(IntVector a, IntVector b) {
  return IntVector{ORIEL_SIMD(add_epi16)(a.raw, b.raw)};
}
HWY_INLINE IntVector WidenPairs(IntVector pairs) {
  return IntVector{ORIEL_SIMD(madd_epi16)(pairs.raw, ORIEL_SIMD(set1_epi16)(1))};
}
#undef ORIEL_SIMD
#endif

#if HWY_TARGET != HWY_AVX3_DL
// Dwords of codes up to `code_max` whose pair sums fit 16 bits together, 2 * 127 * code_max each: a
// divisor of `dwords`, which is a power of two.
constexpr int PairSteps(int code_max, int dwords) {
  constexpr int kSumMax = 32767 / (2 * 127);
  int steps = 1;
  while (2 * steps * code_max <= kSumMax && 2 * steps <= dwords) steps *= 2;
  return steps;
}
static_assert(PairSteps(15, 8) * 2 * 127 * 15 <= 32767 && PairSteps(31, 8) * 2 * 127 * 31 <= 32767);
static_assert(PairSteps(63, 4) * 2 * 127 * 63 <= 32767 && PairSteps(255, 8) == 1);
#endif

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
