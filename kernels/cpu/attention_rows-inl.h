// Attention over FP16 rows: the sinks, the window and FP16 halves of pages. Compiled once for every
// instruction set.

#if defined(ORIEL_KERNELS_CPU_ATTENTION_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_ATTENTION_ROWS_INL_H_
#undef ORIEL_KERNELS_CPU_ATTENTION_ROWS_INL_H_
#else
#define ORIEL_KERNELS_CPU_ATTENTION_ROWS_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/cpu/attention_decode.h"
#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// Up to 64 rows as floats.
struct FloatRows {
  alignas(64) float rows[kPageTokens * kHeadDimMax];
};

template <int kDim>
HWY_INLINE void ReadRows(const Half* HWY_RESTRICT from, int num_rows, FloatRows& out) {
  for (int row = 0; row < num_rows; ++row) {
    HalvesToFloats<kDim>(from + row * kDim, out.rows + row * kDim);
  }
}

// scores[row] = query . row
template <int kDim>
HWY_INLINE void RowScores(const float* HWY_RESTRICT query, const FloatRows& keys, int first,
                          int end, float* HWY_RESTRICT scores) {
  const FloatTag d;
  constexpr int kVectors = kDim / kFloatLanes;
  FloatVec q[kVectors];
  for (int i = 0; i < kVectors; ++i) q[i] = hn::LoadU(d, query + i * kFloatLanes);
  for (int row = first; row < end; ++row) {
    const float* const key = keys.rows + row * kDim;
    FloatVec sum = hn::Mul(q[0], hn::Load(d, key));
    HWY_UNROLL(16)
    for (int i = 1; i < kVectors; ++i) {
      sum = hn::MulAdd(q[i], hn::Load(d, key + i * kFloatLanes), sum);
    }
    scores[row] = hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

// out = out * keep + sum over rows of weights[row] * row
template <int kDim>
HWY_INLINE void AddRows(const float* HWY_RESTRICT weights, const FloatRows& values, int first,
                        int end, float keep, float* HWY_RESTRICT out) {
  const FloatTag d;
  constexpr int kVectors = kDim / kFloatLanes;
  FloatVec sum[kVectors];
  for (int i = 0; i < kVectors; ++i) {
    sum[i] = hn::Mul(hn::LoadU(d, out + i * kFloatLanes), hn::Set(d, keep));
  }
  for (int row = first; row < end; ++row) {
    const FloatVec weight = hn::Set(d, weights[row]);
    HWY_UNROLL(16)
    for (int i = 0; i < kVectors; ++i) {
      sum[i] = hn::MulAdd(weight, hn::Load(d, values.rows + row * kDim + i * kFloatLanes), sum[i]);
    }
  }
  for (int i = 0; i < kVectors; ++i) hn::StoreU(sum[i], d, out + i * kFloatLanes);
}

// Turns scores [64] into 2^(score - greatest) and returns their sum. Scores of masked tokens are
// minus infinity.
HWY_INLINE float Exponentiate(float* scores, float greatest) {
  const FloatTag d;
  FloatVec total = hn::Zero(d);
  for (int i = 0; i < kPageTokens; i += kFloatLanes) {
    const FloatVec e = Exp2(hn::Sub(hn::LoadU(d, scores + i), hn::Set(d, greatest)));
    hn::StoreU(e, d, scores + i);
    total = hn::Add(total, e);
  }
  return hn::GetLane(hn::SumOfLanes(d, total));
}

HWY_INLINE float Greatest(const float* scores) {
  const FloatTag d;
  FloatVec greatest = hn::LoadU(d, scores);
  for (int i = kFloatLanes; i < kPageTokens; i += kFloatLanes) {
    greatest = hn::Max(greatest, hn::LoadU(d, scores + i));
  }
  return hn::GetLane(hn::MaxOfLanes(d, greatest));
}

HWY_INLINE float Exp2Scalar(float x) { return hn::GetLane(Exp2(hn::Set(FloatTag(), x))); }

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // ORIEL_KERNELS_CPU_ATTENTION_ROWS_INL_H_
