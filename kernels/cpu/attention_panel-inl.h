// Products of a block of up to 64 FP16 keys and values with a panel of query rows. Rows are lanes,
// so a row's result is one chain of operations that its neighbours have no part in. Compiled once
// for every instruction set.

#if defined(ORIEL_KERNELS_CPU_ATTENTION_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_ATTENTION_PANEL_INL_H_
#undef ORIEL_KERNELS_CPU_ATTENTION_PANEL_INL_H_
#else
#define ORIEL_KERNELS_CPU_ATTENTION_PANEL_INL_H_
#endif

#include <limits>

#include "hwy/highway.h"
#include "kernels/cpu/page_tiles.h"
#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// A panel is three vectors of rows; eight (with 16 registers four) keys or channels meet it at a
// time.
enum : int { kPanelVectors = 3, kPanelRows = kPanelVectors * kFloatLanes };
enum : int { kSideBySide = HWY_MAX_BYTES == 64 ? 8 : 4 };

// scores[key][row] = sum over c of queries[c][row] * keys[key][c], for all keys up to the next
// multiple of kSideBySide.
template <int kDim, int kVectors>
HWY_NOINLINE void PanelScores(const float* HWY_RESTRICT queries, const float* HWY_RESTRICT keys,
                              int num_keys, float* HWY_RESTRICT scores) {
  const FloatTag d;
  for (int key = 0; key < num_keys; key += kSideBySide) {
    const float* const block = keys + key * kDim;
    FloatVec sum[kSideBySide][kVectors];
    HWY_UNROLL(8)
    for (int k = 0; k < kSideBySide; ++k) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) sum[k][v] = hn::Zero(d);
    }
    for (int c = 0; c < kDim; ++c) {
      FloatVec query[kVectors];
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        query[v] = hn::Load(d, queries + c * kPanelRows + v * kFloatLanes);
      }
      HWY_UNROLL(8)
      for (int k = 0; k < kSideBySide; ++k) {
        const FloatVec x = hn::Set(d, block[k * kDim + c]);
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) sum[k][v] = hn::MulAdd(x, query[v], sum[k][v]);
      }
    }
    HWY_UNROLL(8)
    for (int k = 0; k < kSideBySide; ++k) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        hn::Store(sum[k][v], d, scores + (key + k) * kPanelRows + v * kFloatLanes);
      }
    }
  }
}

// sums[c][row] = sums[c][row] * keep[row] + sum over keys of weights[key][row] * values[key][c]
template <int kDim, int kVectors>
HWY_NOINLINE void PanelValues(const float* HWY_RESTRICT weights, const float* HWY_RESTRICT values,
                              int num_keys, const FloatVec* HWY_RESTRICT keep,
                              float* HWY_RESTRICT sums) {
  const FloatTag d;
  for (int c = 0; c < kDim; c += kSideBySide) {
    const float* const block = values + c;
    FloatVec sum[kSideBySide][kVectors];
    HWY_UNROLL(8)
    for (int k = 0; k < kSideBySide; ++k) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        sum[k][v] = hn::Mul(hn::Load(d, sums + (c + k) * kPanelRows + v * kFloatLanes), keep[v]);
      }
    }
    for (int key = 0; key < num_keys; ++key) {
      FloatVec weight[kVectors];
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        weight[v] = hn::Load(d, weights + key * kPanelRows + v * kFloatLanes);
      }
      HWY_UNROLL(8)
      for (int k = 0; k < kSideBySide; ++k) {
        const FloatVec x = hn::Set(d, block[key * kDim + k]);
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) sum[k][v] = hn::MulAdd(x, weight[v], sum[k][v]);
      }
    }
    HWY_UNROLL(8)
    for (int k = 0; k < kSideBySide; ++k) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        hn::Store(sum[k][v], d, sums + (c + k) * kPanelRows + v * kFloatLanes);
      }
    }
  }
}

// Scores become weights relative to the rows' new greatest; returns what their old sums are kept
// with.
HWY_INLINE FloatVec AdvanceRows(float* HWY_RESTRICT scores, int num_keys,
                                float* HWY_RESTRICT greatest, float* HWY_RESTRICT totals) {
  const FloatTag d;
  const FloatVec old_greatest = hn::Load(d, greatest);
  FloatVec new_greatest = old_greatest;
  for (int key = 0; key < num_keys; ++key) {
    new_greatest = hn::Max(new_greatest, hn::Load(d, scores + key * kPanelRows));
  }
  const FloatVec keep = Exp2(hn::Sub(old_greatest, new_greatest));
  FloatVec total = hn::Mul(hn::Load(d, totals), keep);
  for (int key = 0; key < num_keys; ++key) {
    float* const place = scores + key * kPanelRows;
    const FloatVec weight = Exp2(hn::Sub(hn::Load(d, place), new_greatest));
    hn::Store(weight, d, place);
    total = hn::Add(total, weight);
  }
  hn::Store(new_greatest, d, greatest);
  hn::Store(total, d, totals);
  return keep;
}

// Keys behind a row's position count nothing for it. `first` is the position of key 0.
HWY_INLINE void MaskLaterKeys(float* HWY_RESTRICT scores, int32_t first, int num_keys,
                              const int32_t* HWY_RESTRICT positions) {
  const FloatTag d;
  const FloatVec nothing = hn::Set(d, -std::numeric_limits<float>::infinity());
  const IntVec position = hn::Load(IntTag(), positions);
  for (int key = 0; key < num_keys; ++key) {
    const auto is_later = hn::Gt(hn::Set(IntTag(), first + key), position);
    float* const place = scores + key * kPanelRows;
    hn::Store(hn::IfThenElse(hn::RebindMask(d, is_later), nothing, hn::Load(d, place)), d, place);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // ORIEL_KERNELS_CPU_ATTENTION_PANEL_INL_H_
