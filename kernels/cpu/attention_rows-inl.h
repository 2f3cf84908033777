// Attention of a KV head's query heads over FP16 rows: the sinks, the window and FP16 halves of
// pages. A row is converted once for all heads. Compiled once for every instruction set.

#if defined(ORIEL_KERNELS_CPU_ATTENTION_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_ATTENTION_ROWS_INL_H_
#undef ORIEL_KERNELS_CPU_ATTENTION_ROWS_INL_H_
#else
#define ORIEL_KERNELS_CPU_ATTENTION_ROWS_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/cpu/attention_decode.h"
#include "kernels/cpu/head_groups-inl.h"
#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

enum : int { kRowsAtOnce = 4 };

// Stores the lane sums of four vectors side by side.
HWY_INLINE void StoreFourSums(const FloatVec (&v)[kRowsAtOnce], float* HWY_RESTRICT out) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < kRowsAtOnce; ++i) out[i] = hn::GetLane(v[i]);
#else
  const FloatTag d;
  const hn::Repartition<uint64_t, FloatTag> d64;
  const auto add_halves = [&](FloatVec a, FloatVec b) HWY_ATTR {
    const FloatVec sum = hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
    return hn::BitCast(d64, sum);
  };
  const auto first = add_halves(v[0], v[1]);
  const auto last = add_halves(v[2], v[3]);
  const FloatVec blocks = hn::Add(hn::BitCast(d, hn::InterleaveLower(d64, first, last)),
                                  hn::BitCast(d, hn::InterleaveUpper(d64, first, last)));
  StoreSumOfBlocks(d, blocks, out);
#endif
}

// scores[h][row] = query h . row for rows [first, end); up to three scores before and behind are
// overwritten. Rows behind the last one are not read.
template <int kDim, int kHeads>
HWY_NOINLINE void RowScores(const float* HWY_RESTRICT queries, const Half* HWY_RESTRICT rows,
                            int first, int end, float* HWY_RESTRICT scores) {
  const FloatTag d;
  constexpr int kVectors = kDim / kFloatLanes;
  for (int row = first / kRowsAtOnce * kRowsAtOnce; row < end; row += kRowsAtOnce) {
    FloatVec x[kRowsAtOnce][kVectors];
    HWY_UNROLL(4)
    for (int r = 0; r < kRowsAtOnce; ++r) {
      const Half* const from = rows + HWY_MIN(row + r, end - 1) * kDim;
      HWY_UNROLL(16)
      for (int i = 0; i < kVectors; ++i) x[r][i] = LoadHalves(from + i * kFloatLanes);
    }
    HWY_UNROLL(8)
    for (int h = 0; h < kHeads; ++h) {
      FloatVec sum[kRowsAtOnce] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
      HWY_UNROLL(16)
      for (int i = 0; i < kVectors; ++i) {
        const FloatVec q = hn::Load(d, queries + h * kHeadDimMax + i * kFloatLanes);
        HWY_UNROLL(4)
        for (int r = 0; r < kRowsAtOnce; ++r) {
          sum[r] = hn::MulAdd(q, x[r][i], sum[r]);
        }
      }
      StoreFourSums(sum, scores + h * kPageTokens + row);
    }
  }
}

// out[h] = out[h] * keep[h] + sum over rows [first, end) of weights[h][row] * row
template <int kDim, int kHeads>
HWY_NOINLINE void AddRows(const float* HWY_RESTRICT weights, const Half* HWY_RESTRICT rows,
                          int first, int end, const float* HWY_RESTRICT keep,
                          SoftmaxState* HWY_RESTRICT states) {
  const FloatTag d;
  constexpr int kVectors = HWY_MIN(VectorsAtOnce(kHeads), kDim / kFloatLanes);
  for (int c = 0; c < kDim; c += kVectors * kFloatLanes) {
    FloatVec sum[kHeads][kVectors];
    HWY_UNROLL(8)
    for (int h = 0; h < kHeads; ++h) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        const FloatVec old = hn::Load(d, states[h].out.data() + c + v * kFloatLanes);
        sum[h][v] = hn::Mul(old, hn::Set(d, keep[h]));
      }
    }
    for (int row = first; row < end; ++row) {
      FloatVec x[kVectors];
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) x[v] = LoadHalves(rows + row * kDim + c + v * kFloatLanes);
      HWY_UNROLL(8)
      for (int h = 0; h < kHeads; ++h) {
        const FloatVec weight = hn::Set(d, weights[h * kPageTokens + row]);
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) sum[h][v] = hn::MulAdd(weight, x[v], sum[h][v]);
      }
    }
    HWY_UNROLL(8)
    for (int h = 0; h < kHeads; ++h) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        hn::Store(sum[h][v], d, states[h].out.data() + c + v * kFloatLanes);
      }
    }
  }
}

// Both for any number of heads.
template <int kDim>
void RowScoresOfHeads(int heads, const float* queries, const Half* rows, int first, int end,
                      float* scores) {
  ForHeadGroups(heads, [&](auto count, int h) HWY_ATTR {
    RowScores<kDim, decltype(count)::value>(queries + h * kHeadDimMax, rows, first, end,
                                            scores + h * kPageTokens);
  });
}

template <int kDim>
void AddRowsOfHeads(int heads, const float* weights, const Half* rows, int first, int end,
                    const float* keep, SoftmaxState* states) {
  ForHeadGroups(heads, [&](auto count, int h) HWY_ATTR {
    AddRows<kDim, decltype(count)::value>(weights + h * kPageTokens, rows, first, end, keep + h,
                                          states + h);
  });
}

HWY_INLINE float Exp2Scalar(float x) { return hn::GetLane(Exp2(hn::Set(FloatTag(), x))); }

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // ORIEL_KERNELS_CPU_ATTENTION_ROWS_INL_H_
