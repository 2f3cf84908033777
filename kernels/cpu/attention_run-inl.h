// Decode attention over a run of packed pages. The codes lie as they are in the cache and meet the
// query, and then the weights, as 16-bit fixed point in exact integer products. What is
// float is one scale a token, the softmax, and one fold a page. A run goes through in three
// phases (scores, softmax, values), so that each has many independent chains. Compiled once
// for every instruction set.

#if defined(ORIEL_KERNELS_CPU_ATTENTION_RUN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_ATTENTION_RUN_INL_H_
#undef ORIEL_KERNELS_CPU_ATTENTION_RUN_INL_H_
#else
#define ORIEL_KERNELS_CPU_ATTENTION_RUN_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "hwy/highway.h"
#include "kernels/cpu/attention_decode.h"
#include "kernels/cpu/attention_rows-inl.h"
#include "kernels/cpu/code_products-inl.h"
#include "kernels/cpu/fixed_queries-inl.h"
#include "kernels/cpu/head_page_reader.h"
#include "kernels/cpu/page_scales-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// Pages of a run. Runs begin at multiples of this many pages of a split, so that the order of sums
// depends on positions alone.
enum : int { kRunPages = 4 };

struct PageRun {
  std::array<const std::byte*, kRunPages> pages = {};
  std::array<const std::byte*, kRunPages> next = {};  // the pages that follow, null behind the last
  int num_pages = 0;
  int num_sinks = 0;  // tokens at the start of the first page that count nothing: they are sinks
};

// Asks for bytes that are read a few pages later. They wait in the second cache: the first one is
// full of tiles.
HWY_INLINE void Prefetch(const std::byte* from, int bytes) {
  for (int line = 0; line < bytes; line += 64) __builtin_prefetch(from + line, 0, 2);
}

// Key codes and what lies behind the codes: scales and centre.
HWY_INLINE void PrefetchKeys(const HeadPageReader& reader, const std::byte* page) {
  const int codes_end = reader.values.codes.offset + reader.values.codes.bytes;
  Prefetch(page, reader.keys.codes.bytes);
  Prefetch(page + codes_end, reader.layout.bytes - codes_end);
}

HWY_INLINE void PrefetchValues(const HeadPageReader& reader, const std::byte* page) {
  Prefetch(page + reader.values.codes.offset, reader.values.codes.bytes);
}

// Everything one run passes on from step to step.
struct RunWork {
  alignas(64) uint8_t tiles[kPageTileBytesMax];
  alignas(64) int32_t sums[kHeadsMax][kHeadDimMax];             // [heads][64] for keys
  alignas(64) float scores[kRunPages][kHeadsMax][kPageTokens];  // then weights, in lane order
  alignas(64) int16_t fixed[kHeadsMax][kPageTokens];
  alignas(64) float below[kHeadsMax][kFloatLanes];  // its lanes' sum is owed to every channel
  alignas(64) float scales[kPageTokens];
  alignas(64) float offsets[kPageTokens];
  alignas(64) float rows[kHeadsMax][kPageTokens];  // in natural order
  float keep[kHeadsMax];
};

template <int kDim>
void PackedScores(const HeadPageReader& reader, const std::byte* page,
                  const FixedQueries<kDim>& queries, RunWork& work, float* HWY_RESTRICT scores) {
  const HeadPageReader::Half& keys = reader.keys;
  keys.unpack(reinterpret_cast<const uint8_t*>(page + keys.codes.offset), work.tiles);
  CodeProductsOfHeads(KeyProducts(kDim, kDim), work.tiles, queries.weights[0], work.sums[0],
                      queries.heads);
  ReadScales(page + keys.scales.offset, keys.factor, work.scales);
  if (reader.asymmetric) ReadZeros(page + keys.zeros.offset, work.offsets);
  const int8_t* centre = reinterpret_cast<const int8_t*>(page + reader.layout.centre.offset);
  const float centre_step = ReadCentreStep(reader, page);
  int32_t along_centre[kHeadsMax];
  CentreProducts<kDim>(queries.heads, queries.fixed, centre, along_centre);
  const FloatTag d;
  for (int h = 0; h < queries.heads; ++h, scores += kPageTokens) {
    const float step = queries.step[h];
    const FloatVec base = hn::Set(d, static_cast<float>(along_centre[h]) * (step * centre_step));
    const FloatVec middle = hn::Set(d, -keys.middle * queries.sum[h]);
    const FloatVec zero_step = hn::Set(d, step * keys.factor * queries.sum[h]);
    const int32_t* const sums = work.sums[0] + h * kPageTokens;
    HWY_UNROLL(4)
    for (int i = 0; i < kPageTokens; i += kFloatLanes) {
      const FloatVec sum = hn::ConvertTo(d, hn::Load(IntTag(), sums + i));
      const FloatVec scale = hn::Mul(hn::Load(d, work.scales + i), hn::Set(d, step));
      FloatVec score = hn::MulAdd(hn::Add(sum, middle), scale, base);
      if (reader.asymmetric) score = hn::MulAdd(hn::Load(d, work.offsets + i), zero_step, score);
      hn::Store(score, d, scores + i);
    }
  }
}

template <int kDim>
void Fp16PageScores(const std::byte* codes, const FixedQueries<kDim>& queries, RunWork& work,
                    float* HWY_RESTRICT scores) {
  RowScoresOfHeads<kDim>(queries.heads, queries.rows[0], reinterpret_cast<const Half*>(codes), 0,
                         kPageTokens, work.rows[0]);
  for (int h = 0; h < queries.heads; ++h) {
    for (int token = 0; token < kPageTokens; ++token) {
      scores[h * kPageTokens + LaneOf(token)] = work.rows[h][token];
    }
  }
}

// Scores [pages][head] become weights relative to the state's new greatest score; returns what the
// old sums are kept with.
HWY_INLINE float AdvanceSoftmax(float (*HWY_RESTRICT scores)[kHeadsMax][kPageTokens], int pages,
                                int head, SoftmaxState& state) {
  const FloatTag d;
  FloatVec best = hn::Set(d, state.greatest);
  for (int page = 0; page < pages; ++page) {
    HWY_UNROLL(4)
    for (int i = 0; i < kPageTokens; i += kFloatLanes) {
      best = hn::Max(best, hn::Load(d, scores[page][head] + i));
    }
  }
  const float greatest = hn::GetLane(hn::MaxOfLanes(d, best));
  const float keep = Exp2Scalar(state.greatest - greatest);
  FloatVec total = hn::Zero(d);
  for (int page = 0; page < pages; ++page) {
    HWY_UNROLL(4)
    for (int i = 0; i < kPageTokens; i += kFloatLanes) {
      float* const place = scores[page][head] + i;
      const FloatVec weight = Exp2(hn::Sub(hn::Load(d, place), hn::Set(d, greatest)));
      hn::Store(weight, d, place);
      total = hn::Add(total, weight);
    }
  }
  state.total = state.total * keep + hn::GetLane(hn::SumOfLanes(d, total));
  state.greatest = greatest;
  return keep;
}

// Rounds one head's weights of a page, times their scales, relative to the page's own greatest: a
// key that towers elsewhere takes no precision from this page. Returns the step of the fixed point
// and adds to `below` what the codes' middle takes away.
HWY_INLINE float FixWeights(const float* HWY_RESTRICT weights, const float* HWY_RESTRICT scales,
                            float middle, int16_t* HWY_RESTRICT fixed, float* HWY_RESTRICT below) {
  const FloatTag d;
  enum : int { kVectors = kPageTokens / kFloatLanes };
  FloatVec scaled[kVectors];
  FloatVec greatest = hn::Zero(d);
  HWY_UNROLL(4)
  for (int i = 0; i < kVectors; ++i) {
    scaled[i] =
        hn::Mul(hn::Load(d, weights + i * kFloatLanes), hn::Load(d, scales + i * kFloatLanes));
    greatest = hn::Max(greatest, scaled[i]);
  }
  const float top = hn::GetLane(hn::MaxOfLanes(d, greatest));
  const FloatVec inverse = hn::Set(d, top > 0.0f ? kFixedPointMax / top : 0.0f);
  const float step = top / kFixedPointMax;
  const hn::Rebind<int16_t, IntTag> d16;
  IntVec sum = hn::Zero(IntTag());
  HWY_UNROLL(4)
  for (int i = 0; i < kVectors; ++i) {
    const IntVec rounded = hn::NearestInt(hn::Mul(scaled[i], inverse));
    hn::Store(hn::DemoteTo(d16, rounded), d16, fixed + i * kFloatLanes);
    sum = hn::Add(sum, rounded);
  }
  const FloatVec owed = hn::Mul(hn::ConvertTo(d, sum), hn::Set(d, -middle * step));
  hn::Store(hn::Add(hn::Load(d, below), owed), d, below);
  return step;
}

HWY_INLINE void OweZeros(const float* HWY_RESTRICT weights, const float* HWY_RESTRICT zeros,
                         float factor, float* HWY_RESTRICT below) {
  const FloatTag d;
  FloatVec sum = hn::Load(d, below);
  for (int i = 0; i < kPageTokens; i += kFloatLanes) {
    const FloatVec zero = hn::Mul(hn::Load(d, zeros + i), hn::Set(d, factor));
    sum = hn::MulAdd(hn::Load(d, weights + i), zero, sum);
  }
  hn::Store(sum, d, below);
}

// states[h].out = states[h].out * keep[h] + sum of the page's values; out is in lane order.
template <int kDim>
void AddPackedValues(const HeadPageReader& reader, const std::byte* page,
                     float (*HWY_RESTRICT weights)[kPageTokens], int heads, const float* keep,
                     RunWork& work, SoftmaxState* states) {
  const HeadPageReader::Half& values = reader.values;
  values.unpack(reinterpret_cast<const uint8_t*>(page + values.codes.offset), work.tiles);
  ReadScales(page + values.scales.offset, values.factor, work.scales);
  if (reader.asymmetric) ReadZeros(page + values.zeros.offset, work.offsets);
  float step[kHeadsMax];
  for (int h = 0; h < heads; ++h) {
    step[h] = FixWeights(weights[h], work.scales, values.middle, work.fixed[h], work.below[h]);
    if (reader.asymmetric) OweZeros(weights[h], work.offsets, values.factor, work.below[h]);
  }
  CodeProductsOfHeads(ValueProducts(kDim, kPageTokens), work.tiles, work.fixed[0], work.sums[0],
                      heads);
  const FloatTag d;
  for (int h = 0; h < heads; ++h) {
    float* const out = states[h].out.data();
    HWY_UNROLL(8)
    for (int c = 0; c < kDim; c += kFloatLanes) {
      const FloatVec sum = hn::ConvertTo(d, hn::Load(IntTag(), work.sums[h] + c));
      const FloatVec kept = hn::Mul(hn::Load(d, out + c), hn::Set(d, keep[h]));
      hn::Store(hn::MulAdd(sum, hn::Set(d, step[h]), kept), d, out + c);
    }
  }
}

template <int kDim>
void AddFp16PageValues(const std::byte* codes, float (*HWY_RESTRICT weights)[kPageTokens],
                       int heads, const float* keep, RunWork& work, SoftmaxState* states) {
  for (int h = 0; h < heads; ++h) {
    for (int token = 0; token < kPageTokens; ++token) {
      work.rows[h][token] = weights[h][LaneOf(token)];
    }
  }
  AddRowsOfHeads<kDim>(heads, work.rows[0], reinterpret_cast<const Half*>(codes), 0, kPageTokens,
                       keep, states);
}

template <int kDim>
void PayBelow(int heads, RunWork& work, SoftmaxState* states) {
  const FloatTag d;
  for (int h = 0; h < heads; ++h) {
    const FloatVec below = hn::SumOfLanes(d, hn::Load(d, work.below[h]));
    float* const out = states[h].out.data();
    for (int c = 0; c < kDim; c += kFloatLanes) {
      hn::Store(hn::Add(hn::Load(d, out + c), below), d, out + c);
    }
  }
}

// Adds a run's tokens to the states. If values are packed, states' channels are in lane order.
template <int kDim>
void AttendRun(const HeadPageReader& reader, const PageRun& run, const FixedQueries<kDim>& queries,
               RunWork& work, SoftmaxState* states) {
  for (int i = 0; i < run.num_pages; ++i) {
    float* const scores = work.scores[i][0];
    PrefetchValues(reader, run.pages[static_cast<size_t>(i)]);
    if (reader.keys.is_fp16()) {
      Fp16PageScores<kDim>(run.pages[static_cast<size_t>(i)] + reader.keys.codes.offset, queries,
                           work, scores);
    } else {
      PackedScores<kDim>(reader, run.pages[static_cast<size_t>(i)], queries, work, scores);
    }
  }
  for (int h = 0; h < queries.heads; ++h) {
    for (int sink = 0; sink < run.num_sinks; ++sink) {
      work.scores[0][h][LaneOf(sink)] = -std::numeric_limits<float>::infinity();
    }
    work.keep[h] = AdvanceSoftmax(work.scores, run.num_pages, h, states[h]);
    std::fill_n(work.below[h], +kFloatLanes, 0.0f);
  }
  constexpr std::array<float, kHeadsMax> kKeepAll = [] {
    std::array<float, kHeadsMax> ones{};
    for (float& one : ones) one = 1.0f;
    return ones;
  }();
  for (int i = 0; i < run.num_pages; ++i) {
    const float* const keep = i == 0 ? work.keep : kKeepAll.data();
    if (run.next[static_cast<size_t>(i)] != nullptr)
      PrefetchKeys(reader, run.next[static_cast<size_t>(i)]);
    if (reader.values.is_fp16()) {
      AddFp16PageValues<kDim>(run.pages[static_cast<size_t>(i)] + reader.values.codes.offset,
                              work.scores[i], queries.heads, keep, work, states);
    } else {
      AddPackedValues<kDim>(reader, run.pages[static_cast<size_t>(i)], work.scores[i],
                            queries.heads, keep, work, states);
    }
  }
  PayBelow<kDim>(queries.heads, work, states);
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // ORIEL_KERNELS_CPU_ATTENTION_RUN_INL_H_
