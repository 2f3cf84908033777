#include <algorithm>
#include <cstring>

#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/kv_append.h"
#include "kernels/cpu/kv_rows.h"

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/kv_append_tokens.cc"
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"
#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// One token's rotation, a factor a channel: out[c] = x[c] * own[c] + x[partner of c] * others[c].
struct Rotation {
  int pairs = 0;
  RopePairs order = RopePairs::kHalves;
  alignas(64) float own[kHeadDimMax];
  alignas(64) float others[kHeadDimMax];

  int First(int i) const { return order == RopePairs::kAdjacent ? 2 * i : i; }
  int Second(int i) const { return order == RopePairs::kAdjacent ? 2 * i + 1 : i + pairs; }
};

template <int kDim>
void ReadRotation(const KvAppendArgs& args, int64_t row, Rotation& rotation) {
  rotation.pairs = static_cast<int>(args.cosines.dim(1));
  rotation.order = args.pairs;
  std::fill_n(rotation.own, kDim, 1.0f);
  std::fill_n(rotation.others, kDim, 0.0f);
  for (int i = 0; i < rotation.pairs; ++i) {
    rotation.own[rotation.First(i)] = rotation.own[rotation.Second(i)] = args.cosines(row, i);
    rotation.others[rotation.First(i)] = -args.sines(row, i);
    rotation.others[rotation.Second(i)] = args.sines(row, i);
  }
}

HWY_INLINE void RotateVector(const Rotation& rotation, int c, FloatVec x, FloatVec partner,
                             float* HWY_RESTRICT out) {
  const FloatTag d;
  const FloatVec turned = hn::Mul(partner, hn::Load(d, rotation.others + c));
  hn::StoreU(hn::MulAdd(x, hn::Load(d, rotation.own + c), turned), d, out + c);
}

// Partners lie side by side, or half the rotary channels apart. Whole vectors only; false if they
// do not fit.
template <int kDim>
HWY_INLINE bool RotateVectors(const Rotation& rotation, const float* HWY_RESTRICT x,
                              float* HWY_RESTRICT out) {
  const FloatTag d;
  if (rotation.order == RopePairs::kAdjacent) {
    if (kFloatLanes < 2) return false;
    for (int c = 0; c < kDim; c += kFloatLanes) {
      const FloatVec v = hn::LoadU(d, x + c);
      RotateVector(rotation, c, v, SwapLanes<1>(v), out);
    }
    return true;
  }
  if (rotation.pairs % kFloatLanes != 0) return false;
  for (int c = 0; c < kDim; c += kFloatLanes) {
    const int distance = c < rotation.pairs       ? rotation.pairs
                         : c < 2 * rotation.pairs ? -rotation.pairs
                                                  : 0;
    RotateVector(rotation, c, hn::LoadU(d, x + c), hn::LoadU(d, x + c + distance), out);
  }
  return true;
}

template <int kDim>
void RotateRow(const Rotation& rotation, const float* HWY_RESTRICT x, float* HWY_RESTRICT out) {
  if (RotateVectors<kDim>(rotation, x, out)) return;
  std::copy_n(x, kDim, out);
  for (int i = 0; i < rotation.pairs; ++i) {
    const int a = rotation.First(i);
    const int b = rotation.Second(i);
    out[a] = x[a] * rotation.own[a] + x[b] * rotation.others[a];
    out[b] = x[b] * rotation.own[b] + x[a] * rotation.others[b];
  }
}

template <int kDim>
HWY_INLINE void TransformRow(HeadTransform transform, float* row) {
  if (transform == HeadTransform::kHadamard) HadamardRow<kDim>(row);
}

template <int kDim>
HWY_INLINE void ToHalves(const float* HWY_RESTRICT row, Half* HWY_RESTRICT out) {
  for (int c = 0; c < kDim; c += kFloatLanes) StoreHalves(hn::Load(FloatTag(), row + c), out + c);
}

template <int kDim>
void AppendToken(const KvAppendArgs& args, const KvView& view, int32_t query) {
  const KvLayerFormat& format = *args.storage->format;
  const int q_heads = static_cast<int>(args.queries.dim(1));
  const int heads = q_heads / format.kv_heads;
  const int64_t row = view.first_row + query;
  const int32_t position = view.first_position + query;
  const float* const qkv = args.qkv.row(row);
  Rotation rotation;
  ReadRotation<kDim>(args, row, rotation);
  for (int h = 0; h < q_heads; ++h) {
    float* const out = args.queries.row(row, h);
    RotateRow<kDim>(rotation, qkv + h * kDim, out);
    TransformRow<kDim>(format.head(h / heads).key_transform, out);
  }
  const int32_t packed_tokens =
      kPageTokens * NumPackedPages(view.last_position(), args.step->window_tokens);
  for (int k = 0; k < format.kv_heads; ++k) {
    alignas(64) float floats[kDim];
    alignas(64) Half key[kDim];
    alignas(64) Half value[kDim];
    RotateRow<kDim>(rotation, qkv + (q_heads + k) * kDim, floats);
    TransformRow<kDim>(format.head(k).key_transform, floats);
    ToHalves<kDim>(floats, key);
    std::copy_n(qkv + (q_heads + format.kv_heads + k) * kDim, kDim, floats);
    TransformRow<kDim>(format.head(k).value_transform, floats);
    ToHalves<kDim>(floats, value);
    const auto store = [&](KvRows::Row target) {
      std::memcpy(target.keys, key, sizeof(key));
      std::memcpy(target.values, value, sizeof(value));
    };
    const KvRows rows(*args.step, view, *args.storage, k);
    if (!view.is_decode()) store(rows.Scratch(position));
    if (position >= packed_tokens) store(rows.Window(position));
    if (position < args.step->sink_tokens) store(rows.Sink(position));
  }
}

void AppendTokensHere(const KvAppendArgs& args, const AppendRun& run) {
  for (int32_t query = run.first; query < run.first + run.count; ++query) {
    if (args.storage->format->head_dim == 128) {
      AppendToken<128>(args, *run.view, query);
    } else {
      AppendToken<64>(args, *run.view, query);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oriel {

HWY_EXPORT(AppendTokensHere);

void AppendTokens(const KvAppendArgs& args, const AppendRun& run) {
  HWY_DYNAMIC_DISPATCH(AppendTokensHere)(args, run);
}

}  // namespace oriel
#endif  // HWY_ONCE
