// Products of a packed page's codes with a panel of query rows, as 16-bit fixed point in exact
// integer sums. Rows are lanes, so a row's result is one chain of operations that its neighbours
// have no part in. Compiled once for every instruction set.

#if defined(ORIEL_KERNELS_CPU_ATTENTION_CODE_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_ATTENTION_CODE_PANEL_INL_H_
#undef ORIEL_KERNELS_CPU_ATTENTION_CODE_PANEL_INL_H_
#else
#define ORIEL_KERNELS_CPU_ATTENTION_CODE_PANEL_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/cpu/attention_panel-inl.h"
#include "kernels/cpu/code_products-inl.h"
#include "kernels/cpu/fixed_queries-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// With 16 registers two keys or channels meet a panel at a time: a product takes a register besides
// its sum.
enum : int { kCodesAtOnce = HWY_MAX_BYTES == 64 ? 8 : 2 };

// Codes of page_tiles.h as pairs of 16 bits a lane: bytes 0 and 2 of every quad, then bytes 1 and
// 3. `quads` rows of `lanes` lanes whose tiles lie row_bytes and tile_bytes apart become 2 * quads
// rows.
HWY_INLINE void SplitQuads(const uint8_t* HWY_RESTRICT tiles, int quads, int row_bytes, int lanes,
                           int tile_bytes, int32_t* HWY_RESTRICT pairs) {
  const IntTag d;
  const IntVec lower_bytes = hn::Set(d, 0x00FF00FF);
  for (int quad = 0; quad < quads; ++quad) {
    int32_t* const row = pairs + 2 * quad * lanes;
    for (int lane = 0; lane < lanes; lane += kFloatLanes) {
      const uint8_t* const tile = tiles + quad * row_bytes + lane / kTileLanes * tile_bytes;
      const IntVec codes = hn::LoadU(d, reinterpret_cast<const int32_t*>(tile) + lane % kTileLanes);
      hn::Store(hn::And(codes, lower_bytes), d, row + lane);
      hn::Store(hn::And(hn::ShiftRight<8>(codes), lower_bytes), d, row + lanes + lane);
    }
  }
}

// What a panel's rows bring to a page of keys: row = step * fixed.
struct PanelQueries {
  const int32_t* pairs = nullptr;  // [head_dim / 2][row], in the order of the codes' products
  const float* step = nullptr;     // [row]
  const float* sum = nullptr;      // [row], of fixed
};

// A page's keys: key = scale * code + offset + centre_step * centre.
struct PageKeys {
  const int32_t* pairs = nullptr;   // [head_dim / 2][64]
  const int32_t* centre = nullptr;  // [head_dim / 2]
  const float* scales = nullptr;
  const float* offsets = nullptr;
  float centre_step = 0.0f;
};

// base[v] = query . page centre
template <int kDim, int kVectors>
HWY_INLINE void PanelCentre(const PanelQueries& queries, const PageKeys& keys,
                            FloatVec (&base)[kVectors]) {
  const FloatTag d;
  IntVec even[kVectors];
  IntVec odd[kVectors];
  for (int v = 0; v < kVectors; ++v) even[v] = odd[v] = hn::Zero(IntTag());
  for (int pair = 0; pair < kDim / 2; pair += 2) {
    const int32_t* const row = queries.pairs + pair * kPanelRows;
    const IntVec first = hn::Set(IntTag(), keys.centre[pair]);
    const IntVec second = hn::Set(IntTag(), keys.centre[pair + 1]);
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) {
      even[v] = MulAddPairs(even[v], hn::Load(IntTag(), row + v * kFloatLanes), first);
      odd[v] = MulAddPairs(odd[v], hn::Load(IntTag(), row + kPanelRows + v * kFloatLanes), second);
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    const FloatVec step = hn::Load(d, queries.step + v * kFloatLanes);
    const FloatVec product = hn::ConvertTo(d, hn::Add(even[v], odd[v]));
    base[v] = hn::Mul(product, hn::Mul(step, hn::Set(d, keys.centre_step)));
  }
}

// scores[key][row] = query . key, for a page's keys in lane order
template <int kDim, int kVectors>
HWY_NOINLINE void PanelCodeScores(const PanelQueries& queries, const PageKeys& keys,
                                  float* HWY_RESTRICT scores) {
  const FloatTag d;
  FloatVec base[kVectors];
  PanelCentre<kDim>(queries, keys, base);
  for (int key = 0; key < kPageTokens; key += kCodesAtOnce) {
    const int32_t* const block = keys.pairs + key;
    IntVec sum[kCodesAtOnce][kVectors];
    HWY_UNROLL(8)
    for (int k = 0; k < kCodesAtOnce; ++k) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) sum[k][v] = hn::Zero(IntTag());
    }
    for (int pair = 0; pair < kDim / 2; ++pair) {
      IntVec query[kVectors];
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        query[v] = hn::Load(IntTag(), queries.pairs + pair * kPanelRows + v * kFloatLanes);
      }
      HWY_UNROLL(8)
      for (int k = 0; k < kCodesAtOnce; ++k) {
        const IntVec code = hn::Set(IntTag(), block[pair * kPageTokens + k]);
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) sum[k][v] = MulAddPairs(sum[k][v], query[v], code);
      }
    }
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) {
      const FloatVec step = hn::Load(d, queries.step + v * kFloatLanes);
      const FloatVec fixed_sum = hn::Load(d, queries.sum + v * kFloatLanes);
      HWY_UNROLL(8)
      for (int k = 0; k < kCodesAtOnce; ++k) {
        const FloatVec scaled =
            hn::Mul(hn::ConvertTo(d, sum[k][v]), hn::Set(d, keys.scales[key + k]));
        const FloatVec along = hn::MulAdd(fixed_sum, hn::Set(d, keys.offsets[key + k]), scaled);
        hn::Store(hn::MulAdd(along, step, base[v]), d,
                  scores + (key + k) * kPanelRows + v * kFloatLanes);
      }
    }
  }
}

// A panel's weights of one page as fixed point.
struct PanelWeights {
  alignas(64) int32_t pairs[kPageTokens / 2 * kPanelRows];  // [token pair][row]
  alignas(64) float step[kPanelRows];
  alignas(64) float below[kPanelRows];  // owed to every channel
};

// A page's values: value = scale * code + offset.
struct PageValues {
  const int32_t* pairs = nullptr;  // [32 token pairs][lane of a channel]
  const float* scales = nullptr;
  const float* offsets = nullptr;
  float middle = 0.0f;
  bool asymmetric = false;
};

// Rounds the weights [key][row] of one vector of rows, times the tokens' scales, relative to the
// rows' own greatest of this page: a key that towers elsewhere takes no precision from it.
HWY_INLINE void FixRows(const float* HWY_RESTRICT weights, const PageValues& values, int lane,
                        PanelWeights& out) {
  const FloatTag d;
  const float* const column = weights + lane;
  const auto scaled = [&](int key) HWY_ATTR {
    return hn::Mul(hn::Load(d, column + key * kPanelRows), hn::Set(d, values.scales[key]));
  };
  FloatVec top = hn::Zero(d);
  for (int key = 0; key < kPageTokens; ++key) top = hn::Max(top, scaled(key));
  const FloatVec most = hn::Set(d, kFixedPointMax);
  const auto is_zero = hn::Eq(top, hn::Zero(d));
  const FloatVec inverse =
      hn::IfThenZeroElse(is_zero, hn::Div(most, hn::IfThenElse(is_zero, most, top)));
  IntVec sum = hn::Zero(IntTag());
  for (int pair = 0; pair < kPageTokens / 2; ++pair) {
    const IntVec first = hn::NearestInt(hn::Mul(scaled(2 * pair), inverse));
    const IntVec second = hn::NearestInt(hn::Mul(scaled(2 * pair + 1), inverse));
    sum = hn::Add(sum, hn::Add(first, second));
    hn::Store(hn::Or(first, hn::ShiftLeft<16>(second)), IntTag(),
              out.pairs + pair * kPanelRows + lane);
  }
  const FloatVec step = hn::Mul(top, hn::Set(d, 1.0f / kFixedPointMax));
  FloatVec below = hn::Mul(hn::ConvertTo(d, sum), hn::Mul(step, hn::Set(d, -values.middle)));
  if (values.asymmetric) {
    for (int key = 0; key < kPageTokens; ++key) {
      below = hn::MulAdd(hn::Load(d, column + key * kPanelRows), hn::Set(d, values.offsets[key]),
                         below);
    }
  }
  hn::Store(step, d, out.step + lane);
  hn::Store(below, d, out.below + lane);
}

// sums[c][row] = sums[c][row] * keep[row] + sum over a page's tokens of weight * value
template <int kDim, int kVectors>
HWY_NOINLINE void PanelCodeValues(const PanelWeights& weights, const PageValues& values,
                                  const FloatVec* HWY_RESTRICT keep, float* HWY_RESTRICT sums) {
  const FloatTag d;
  for (int c = 0; c < kDim; c += kCodesAtOnce) {
    // Channels c, c + 1, … lie two lanes apart.
    const int32_t* const block = values.pairs + LaneOf(c);
    IntVec sum[kCodesAtOnce][kVectors];
    HWY_UNROLL(8)
    for (int k = 0; k < kCodesAtOnce; ++k) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) sum[k][v] = hn::Zero(IntTag());
    }
    for (int pair = 0; pair < kPageTokens / 2; ++pair) {
      IntVec weight[kVectors];
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        weight[v] = hn::Load(IntTag(), weights.pairs + pair * kPanelRows + v * kFloatLanes);
      }
      HWY_UNROLL(8)
      for (int k = 0; k < kCodesAtOnce; ++k) {
        const IntVec code = hn::Set(IntTag(), block[pair * kDim + 2 * k]);
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) sum[k][v] = MulAddPairs(sum[k][v], weight[v], code);
      }
    }
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) {
      const FloatVec step = hn::Load(d, weights.step + v * kFloatLanes);
      const FloatVec below = hn::Load(d, weights.below + v * kFloatLanes);
      HWY_UNROLL(8)
      for (int k = 0; k < kCodesAtOnce; ++k) {
        float* const place = sums + (c + k) * kPanelRows + v * kFloatLanes;
        const FloatVec kept = hn::MulAdd(hn::Load(d, place), keep[v], below);
        hn::Store(hn::MulAdd(hn::ConvertTo(d, sum[k][v]), step, kept), d, place);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // ORIEL_KERNELS_CPU_ATTENTION_CODE_PANEL_INL_H_
