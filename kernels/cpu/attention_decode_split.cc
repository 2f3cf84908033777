// One split of a decode query's context. Packed pages are read as they lie: codes are unpacked to
// bytes in the first cache and meet the query, and then the weights, as 16-bit fixed point in exact
// integer products. What is float is one scale a token, the softmax, and one fold a page.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/cpu/attention_decode.h"
#include "kernels/cpu/head_page_reader.h"
#include "kernels/cpu/kv_rows.h"

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention_decode_split.cc"
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"
#include "kernels/cpu/attention_rows-inl.h"
#include "kernels/cpu/code_products-inl.h"
#include "kernels/cpu/page_floats-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

constexpr float kFixedPointMax = 32767.0f;
constexpr float kLog2E = 1.44269504f;
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr int kHeadsMax = static_cast<int>(kQueryHeadsPerKvHeadMax);

// The query heads of one KV head. Scores come out in bits.
struct DecodeQueries {
  int heads = 0;
  alignas(64) float rows[kHeadsMax][kHeadDimMax];
  // Fixed point: row = step * fixed, in channel order for the centre and in the order of the codes'
  // products.
  alignas(64) int16_t fixed[kHeadsMax][kHeadDimMax];
  alignas(64) int16_t weights[kHeadsMax][kHeadDimMax];
  float step[kHeadsMax];
  float sum[kHeadsMax];  // of fixed
};

template <int kDim>
void PrepareQuery(const float* query, float softmax_scale, int h, DecodeQueries& out) {
  float greatest = 0.0f;
  for (int c = 0; c < kDim; ++c) {
    out.rows[h][c] = query[c] * (softmax_scale * kLog2E);
    greatest = std::max(greatest, std::abs(out.rows[h][c]));
  }
  out.step[h] = greatest / kFixedPointMax;
  const float inverse = greatest > 0.0f ? kFixedPointMax / greatest : 0.0f;
  int32_t sum = 0;
  for (int c = 0; c < kDim; ++c) {
    out.fixed[h][c] = static_cast<int16_t>(std::nearbyint(out.rows[h][c] * inverse));
    sum += out.fixed[h][c];
  }
  out.sum[h] = static_cast<float>(sum);
  for (int quad = 0; quad < kDim / 4; ++quad) {
    int16_t* const weights = out.weights[h] + 4 * quad;
    for (int place = 0; place < 4; ++place) {
      const int b = kProductBytes[place];
      weights[place] = out.fixed[h][16 * (quad / 4) + KeyQuadChannel(kDim, quad % 4, b)];
    }
  }
}

// Everything one packed page passes on from step to step.
struct PageWork {
  alignas(64) uint8_t tiles[kPageTileBytesMax];
  alignas(64) int32_t sums[kHeadsMax][kHeadDimMax];  // [heads][64] for keys
  alignas(64) float scores[kHeadsMax][kPageTokens];  // then weights, in lane order
  alignas(64) int16_t fixed[kHeadsMax][kPageTokens];
  alignas(64) float scales[kPageTokens];
  alignas(64) float zeros[kPageTokens];
  FloatRows rows;
};

template <int kDim>
void FixedPointScores(const HeadPageReader& reader, const std::byte* page,
                      const DecodeQueries& queries, PageWork& work) {
  const HeadPageReader::Half& keys = reader.keys;
  keys.unpack(reinterpret_cast<const uint8_t*>(page + keys.codes.offset), work.tiles);
  CodeProductsOfHeads(KeyProducts(kDim, kHeadDimMax), work.tiles, queries.weights[0], work.sums[0],
                      queries.heads);
  ReadScales(page + keys.scales.offset, keys.factor, work.scales);
  if (reader.asymmetric) ReadZeros(page + keys.zeros.offset, work.zeros);
  const int8_t* centre = reinterpret_cast<const int8_t*>(page + reader.layout.centre.offset);
  Half centre_scale;
  std::memcpy(&centre_scale, page + reader.layout.centre_scale.offset, sizeof(Half));
  const float centre_step = ToFloat(centre_scale) * keys.factor;
  const FloatTag d;
  for (int h = 0; h < queries.heads; ++h) {
    int32_t along_centre = 0;
    for (int c = 0; c < kDim; ++c) along_centre += queries.fixed[h][c] * centre[c];
    const float step = queries.step[h];
    const FloatVec base = hn::Set(d, static_cast<float>(along_centre) * (step * centre_step));
    const FloatVec middle = hn::Set(d, -keys.middle * queries.sum[h]);
    const FloatVec zero_step = hn::Set(d, step * keys.factor * queries.sum[h]);
    const int32_t* const sums = work.sums[0] + h * kPageTokens;
    for (int i = 0; i < kPageTokens; i += kFloatLanes) {
      const FloatVec sum = hn::ConvertTo(d, hn::Load(IntTag(), sums + i));
      const FloatVec scale = hn::Mul(hn::Load(d, work.scales + i), hn::Set(d, step));
      FloatVec score = hn::MulAdd(hn::Add(sum, middle), scale, base);
      if (reader.asymmetric) score = hn::MulAdd(hn::Load(d, work.zeros + i), zero_step, score);
      hn::Store(score, d, work.scores[h] + i);
    }
  }
}

template <int kDim>
void Fp16Scores(const std::byte* codes, const DecodeQueries& queries, PageWork& work) {
  ReadRows<kDim>(reinterpret_cast<const Half*>(codes), kPageTokens, work.rows);
  for (int h = 0; h < queries.heads; ++h) {
    float scores[kPageTokens];
    RowScores<kDim>(queries.rows[h], work.rows, 0, kPageTokens, scores);
    for (int token = 0; token < kPageTokens; ++token) {
      work.scores[h][LaneOf(token)] = scores[token];
    }
  }
}

// One head's weights of a page as fixed point, relative to the page's own greatest weight * scale:
// a key that towers elsewhere takes no precision from this page.
struct FixedWeights {
  float step = 0.0f;
  float sum = 0.0f;  // of the fixed-point numbers, exact
};

HWY_INLINE FixedWeights FixWeights(const float* HWY_RESTRICT weights,
                                   const float* HWY_RESTRICT scales, int16_t* HWY_RESTRICT fixed) {
  const FloatTag d;
  constexpr int kVectors = kPageTokens / kFloatLanes;
  FloatVec scaled[kVectors];
  FloatVec greatest = hn::Zero(d);
  for (int i = 0; i < kVectors; ++i) {
    scaled[i] =
        hn::Mul(hn::Load(d, weights + i * kFloatLanes), hn::Load(d, scales + i * kFloatLanes));
    greatest = hn::Max(greatest, scaled[i]);
  }
  const float top = hn::GetLane(hn::MaxOfLanes(d, greatest));
  const FloatVec inverse = hn::Set(d, top > 0.0f ? kFixedPointMax / top : 0.0f);
  IntVec sum = hn::Zero(IntTag());
  const hn::Rebind<int16_t, IntTag> d16;
  for (int i = 0; i < kVectors; ++i) {
    const IntVec rounded = hn::NearestInt(hn::Mul(scaled[i], inverse));
    sum = hn::Add(sum, rounded);
    hn::Store(hn::DemoteTo(d16, rounded), d16, fixed + i * kFloatLanes);
  }
  return {.step = top / kFixedPointMax,
          .sum = static_cast<float>(hn::GetLane(hn::SumOfLanes(IntTag(), sum)))};
}

// Adds the page's values, whose weights are relative to the state's new greatest score.
template <int kDim>
void AddPackedValues(const HeadPageReader& reader, const std::byte* page, int heads,
                     const float* keep, PageWork& work, SoftmaxState* states) {
  const HeadPageReader::Half& values = reader.values;
  values.unpack(reinterpret_cast<const uint8_t*>(page + values.codes.offset), work.tiles);
  ReadScales(page + values.scales.offset, values.factor, work.scales);
  if (reader.asymmetric) ReadZeros(page + values.zeros.offset, work.zeros);
  FixedWeights fixed[kHeadsMax];
  for (int h = 0; h < heads; ++h) {
    fixed[h] = FixWeights(work.scores[h], work.scales, work.fixed[h]);
  }
  CodeProductsOfHeads(ValueProducts(kDim, kPageTokens), work.tiles, work.fixed[0], work.sums[0],
                      heads);
  const FloatTag d;
  for (int h = 0; h < heads; ++h) {
    float below = -values.middle * fixed[h].sum * fixed[h].step;
    if (reader.asymmetric) {
      below = 0.0f;
      for (int i = 0; i < kPageTokens; ++i) below += work.scores[h][i] * work.zeros[i];
      below *= values.factor;
    }
    float* const out = states[h].out.data();
    for (int c = 0; c < kDim; c += kFloatLanes) {
      const FloatVec sum = hn::ConvertTo(d, hn::Load(IntTag(), work.sums[h] + c));
      const FloatVec kept =
          hn::MulAdd(hn::Load(d, out + c), hn::Set(d, keep[h]), hn::Set(d, below));
      hn::Store(hn::MulAdd(sum, hn::Set(d, fixed[h].step), kept), d, out + c);
    }
  }
}

template <int kDim>
void AddFp16Values(const std::byte* codes, int heads, const float* keep, PageWork& work,
                   SoftmaxState* states) {
  ReadRows<kDim>(reinterpret_cast<const Half*>(codes), kPageTokens, work.rows);
  for (int h = 0; h < heads; ++h) {
    float weights[kPageTokens];
    for (int token = 0; token < kPageTokens; ++token) {
      weights[token] = work.scores[h][LaneOf(token)];
    }
    AddRows<kDim>(weights, work.rows, 0, kPageTokens, keep[h], states[h].out.data());
  }
}

// Scores [64] become weights relative to the state's new greatest score; returns what the old sums
// are kept with.
HWY_INLINE float AdvanceSoftmax(float* scores, SoftmaxState& state) {
  const float greatest = HWY_MAX(state.greatest, Greatest(scores));
  const float keep = Exp2Scalar(state.greatest - greatest);
  state.total = state.total * keep + Exponentiate(scores, greatest);
  state.greatest = greatest;
  return keep;
}

template <int kDim>
void AttendPackedPage(const HeadPageReader& reader, const std::byte* page, int num_sinks,
                      const DecodeQueries& queries, PageWork& work, SoftmaxState* states) {
  if (reader.keys.is_fp16()) {
    Fp16Scores<kDim>(page + reader.keys.codes.offset, queries, work);
  } else {
    FixedPointScores<kDim>(reader, page, queries, work);
  }
  float keep[kHeadsMax];
  for (int h = 0; h < queries.heads; ++h) {
    for (int sink = 0; sink < num_sinks; ++sink) work.scores[h][LaneOf(sink)] = kMinusInfinity;
    keep[h] = AdvanceSoftmax(work.scores[h], states[h]);
  }
  if (reader.values.is_fp16()) {
    AddFp16Values<kDim>(page + reader.values.codes.offset, queries.heads, keep, work, states);
  } else {
    AddPackedValues<kDim>(reader, page, queries.heads, keep, work, states);
  }
}

// FP16 tokens [first, end) of 64 that lie side by side.
template <int kDim>
void AttendRows(KvRows::Row rows, int first, int end, const DecodeQueries& queries, PageWork& work,
                SoftmaxState* states) {
  ReadRows<kDim>(rows.keys, end, work.rows);
  for (int h = 0; h < queries.heads; ++h) {
    std::fill_n(work.scores[h], kPageTokens, kMinusInfinity);
    RowScores<kDim>(queries.rows[h], work.rows, first, end, work.scores[h]);
  }
  ReadRows<kDim>(rows.values, end, work.rows);
  for (int h = 0; h < queries.heads; ++h) {
    const float keep = AdvanceSoftmax(work.scores[h], states[h]);
    AddRows<kDim>(work.scores[h], work.rows, first, end, keep, states[h].out.data());
  }
}

template <int kDim>
void MergeState(const SoftmaxState& part, SoftmaxState& sum) {
  const FloatTag d;
  const float greatest = HWY_MAX(part.greatest, sum.greatest);
  const float keep = Exp2Scalar(sum.greatest - greatest);
  const float add = Exp2Scalar(part.greatest - greatest);
  sum.greatest = greatest;
  sum.total = sum.total * keep + part.total * add;
  for (int c = 0; c < kDim; c += kFloatLanes) {
    const FloatVec kept = hn::Mul(hn::Load(d, sum.out.data() + c), hn::Set(d, keep));
    hn::Store(hn::MulAdd(hn::Load(d, part.out.data() + c), hn::Set(d, add), kept), d,
              sum.out.data() + c);
  }
}

// Sums of packed values are in lane order; states are in channel order.
template <int kDim>
void ToChannelOrder(SoftmaxState& state) {
  alignas(64) float lanes[kDim];
  std::copy_n(state.out.data(), kDim, lanes);
  for (int c = 0; c < kDim; ++c) state.out[static_cast<size_t>(c)] = lanes[LaneOf(c)];
}

HWY_INLINE void PrefetchPage(const std::byte* page, int bytes) {
  for (int line = 0; line < bytes; line += 64) __builtin_prefetch(page + line);
}

template <int kDim>
void AttendSplit(const DecodeSplit& split, SoftmaxState* states) {
  const AttentionArgs& args = *split.args;
  const KvStepView& step = *args.step;
  const KvView& view = *split.view;
  const KvLayerFormat& format = *args.storage->format;
  const KvRows rows(step, view, *args.storage, split.kv_head);
  const HeadPageReader reader(format, split.kv_head);
  const int32_t position = view.first_position;
  const int32_t packed_pages = NumPackedPages(position, step.window_tokens);
  const int32_t end_page = HWY_MIN(split.end_page, position / kPageTokens + 1);

  DecodeQueries queries;
  queries.heads = static_cast<int>(args.queries.dim(1) / format.kv_heads);
  PageWork work;
  SoftmaxState packed[kHeadsMax];
  for (int h = 0; h < queries.heads; ++h) {
    const float* query = args.queries.row(view.first_row, split.kv_head * queries.heads + h);
    PrepareQuery<kDim>(query, args.softmax_scale, h, queries);
    states[h] = SoftmaxState();
  }
  if (split.first_page == 0 && step.sink_tokens > 0) {
    const int num_sinks = HWY_MIN(step.sink_tokens, position + 1);
    AttendRows<kDim>(rows.Sink(0), 0, num_sinks, queries, work, states);
  }
  int32_t page = split.first_page;
  for (; page < HWY_MIN(packed_pages, end_page); ++page) {
    if (page + 1 < packed_pages) PrefetchPage(rows.Packed(page + 1), reader.layout.bytes);
    const int num_sinks = HWY_MAX(0, HWY_MIN(step.sink_tokens - page * kPageTokens, kPageTokens));
    if (num_sinks == kPageTokens) continue;
    AttendPackedPage<kDim>(reader, rows.Packed(page), num_sinks, queries, work, packed);
  }
  for (; page < end_page; ++page) {
    const int32_t begin = page * kPageTokens;
    const int first = HWY_MAX(0, step.sink_tokens - begin);
    const int end = HWY_MIN(kPageTokens, position + 1 - begin);
    if (first < end) AttendRows<kDim>(rows.Window(begin), first, end, queries, work, states);
  }
  for (int h = 0; h < queries.heads; ++h) {
    if (!reader.values.is_fp16()) ToChannelOrder<kDim>(packed[h]);
    MergeState<kDim>(packed[h], states[h]);
  }
}

void AttendSplitHere(const DecodeSplit& split, SoftmaxState* states) {
  if (split.args->storage->format->head_dim == 128) return AttendSplit<128>(split, states);
  AttendSplit<64>(split, states);
}

void MergeStateHere(int head_dim, const SoftmaxState& part, SoftmaxState& sum) {
  if (head_dim == 128) return MergeState<128>(part, sum);
  MergeState<64>(part, sum);
}

void FinishHere(HeadTransform transform, int head_dim, SoftmaxState& state, float* out) {
  const FloatTag d;
  const FloatVec inverse = hn::Set(d, 1.0f / state.total);
  for (int c = 0; c < head_dim; c += kFloatLanes) {
    hn::StoreU(hn::Mul(hn::Load(d, state.out.data() + c), inverse), d, out + c);
  }
  if (transform == HeadTransform::kNone) return;
  if (head_dim == 128) return HadamardRow<128>(out);
  HadamardRow<64>(out);
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oriel {

HWY_EXPORT(AttendSplitHere);
HWY_EXPORT(MergeStateHere);
HWY_EXPORT(FinishHere);

void AttendDecodeSplit(const DecodeSplit& split, SoftmaxState* states) {
  HWY_DYNAMIC_DISPATCH(AttendSplitHere)(split, states);
}

void MergeSoftmaxState(int head_dim, const SoftmaxState& part, SoftmaxState& sum) {
  HWY_DYNAMIC_DISPATCH(MergeStateHere)(head_dim, part, sum);
}

void FinishSoftmax(HeadTransform transform, int head_dim, SoftmaxState& state, float* out) {
  HWY_DYNAMIC_DISPATCH(FinishHere)(transform, head_dim, state, out);
}

}  // namespace oriel
#endif  // HWY_ONCE
