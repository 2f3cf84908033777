#include <cmath>
#include <cstring>

#include "kernels/cpu/code_packer.h"
#include "kernels/cpu/kv_seal.h"
#include "kernels/formats/page_centre.h"
#include "kernels/formats/page_codec.h"

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/kv_seal_page.cc"
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"
#include "kernels/cpu/token_encoder-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// One half of a page on its way to bytes.
struct SealWork {
  alignas(64) float rows[kPageTokens * kHeadDimMax];     // [token][channel]
  alignas(64) float columns[kPageTokens * kHeadDimMax];  // [channel][token]
  alignas(64) uint8_t codes[kPageTokens * kHeadDimMax];  // [channel][token]
  alignas(64) uint8_t scales[kPageTokens];
};

// FiniteHalf of every number, times 2^pre_scale_log2.
template <int kDim>
void ReadScaledRows(const Half* HWY_RESTRICT rows, int pre_scale_log2, float* HWY_RESTRICT out) {
  const FloatTag d;
  const FloatVec scale = hn::Set(d, std::ldexp(1.0f, pre_scale_log2));
  const FloatVec most = hn::Set(d, 65504.0f);
  for (int i = 0; i < kPageTokens * kDim; i += kFloatLanes) {
    const FloatVec x = LoadHalves(rows + i);
    const FloatVec number = hn::IfThenElseZero(hn::Eq(x, x), x);
    const FloatVec finite = hn::Min(hn::Max(number, hn::Neg(most)), most);
    hn::Store(hn::Mul(finite, scale), d, out + i);
  }
}

template <int kDim>
void SubtractCentre(const PageCentre& centre, float* HWY_RESTRICT rows) {
  const FloatTag d;
  alignas(64) float values[kDim];
  for (int c = 0; c < kDim; ++c) values[c] = centre.at(c);
  for (int token = 0; token < kPageTokens; ++token) {
    for (int c = 0; c < kDim; c += kFloatLanes) {
      float* const place = rows + token * kDim + c;
      hn::Store(hn::Sub(hn::Load(d, place), hn::Load(d, values + c)), d, place);
    }
  }
}

// Eight tokens at a time fill half a cache line of every column.
template <int kDim>
void TransposeRows(const float* HWY_RESTRICT rows, float* HWY_RESTRICT columns) {
  for (int token = 0; token < kPageTokens; token += 8) {
    for (int c = 0; c < kDim; ++c) {
      for (int i = 0; i < 8; ++i) {
        columns[c * kPageTokens + token + i] = rows[(token + i) * kDim + c];
      }
    }
  }
}

template <int kDim>
void EncodeHalf(PageHalf half, Codec codec, PageSection codes, PageSection scales, SealWork& work,
                std::byte* page) {
  TransposeRows<kDim>(work.rows, work.columns);
  const auto encode = [&](auto encoder) HWY_ATTR {
    for (int token = 0; token < kPageTokens; token += kFloatLanes) {
      encoder.Encode(work.columns + token, work.codes + token, work.scales + token);
    }
  };
  if (IsE8(codec)) {
    encode(TokenEncoder<kDim, true>(half, codec));
  } else {
    encode(TokenEncoder<kDim, false>(half, codec));
  }
  PackTransposedCodes(half, codec, kDim, work.codes, page + codes.offset);
  for (int token = 0; token < kPageTokens; ++token) {
    page[scales.offset + ScaleIndex(token)] = static_cast<std::byte>(work.scales[token]);
  }
}

template <int kDim>
void SealKeys(const KvHeadFormat& head, const HeadPageLayout& layout, const Half* keys,
              int num_sinks, SealWork& work, std::byte* page) {
  if (head.key == Codec::kFp16) {
    std::memcpy(page + layout.key_codes.offset, keys, static_cast<size_t>(layout.key_codes.bytes));
    return;
  }
  ReadScaledRows<kDim>(keys, head.key_pre_scale_log2, work.rows);
  const PageCentre centre =
      MakePageCentre(kDim, {work.rows, static_cast<size_t>(kPageTokens * kDim)}, num_sinks);
  std::memcpy(page + layout.centre.offset, centre.codes.data(), kDim);
  std::memset(page + layout.centre_scale.offset, 0, kCentreScaleSectionBytes);
  std::memcpy(page + layout.centre_scale.offset, &centre.scale, sizeof(Half));
  SubtractCentre<kDim>(centre, work.rows);
  EncodeHalf<kDim>(PageHalf::kKey, head.key, layout.key_codes, layout.key_scales, work, page);
}

template <int kDim>
void SealValues(const KvHeadFormat& head, const HeadPageLayout& layout, const Half* values,
                SealWork& work, std::byte* page) {
  if (head.value == Codec::kFp16) {
    std::memcpy(page + layout.value_codes.offset, values,
                static_cast<size_t>(layout.value_codes.bytes));
    return;
  }
  ReadScaledRows<kDim>(values, head.value_pre_scale_log2, work.rows);
  EncodeHalf<kDim>(PageHalf::kValue, head.value, layout.value_codes, layout.value_scales, work,
                   page);
}

template <int kDim>
void SealPage(const KvLayerFormat& format, int kv_head, const Half* keys, const Half* values,
              int num_sinks, std::byte* page) {
  const HeadPageLayout layout = format.Layout(kv_head);
  SealWork work;
  SealKeys<kDim>(format.head(kv_head), layout, keys, num_sinks, work, page);
  SealValues<kDim>(format.head(kv_head), layout, values, work, page);
}

void SealPageHere(const KvLayerFormat& format, int kv_head, const Half* keys, const Half* values,
                  int num_sinks, std::byte* page) {
  if (format.head_dim == 128) {
    return SealPage<128>(format, kv_head, keys, values, num_sinks, page);
  }
  SealPage<64>(format, kv_head, keys, values, num_sinks, page);
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oriel {
namespace {

// The asymmetric variant and ternary codes are for evaluation: plain.
bool IsForVectors(const KvLayerFormat& format, int kv_head) {
  const KvHeadFormat& head = format.head(kv_head);
  return !format.asymmetric && head.key != Codec::kTernary && head.value != Codec::kTernary;
}

}  // namespace

HWY_EXPORT(SealPageHere);

void SealHeadPageFast(const KvLayerFormat& format, int kv_head, const Half* keys,
                      const Half* values, int num_sinks, std::byte* page) {
  if (IsForVectors(format, kv_head)) {
    return HWY_DYNAMIC_DISPATCH(SealPageHere)(format, kv_head, keys, values, num_sinks, page);
  }
  SealHeadPage(format, kv_head, {keys, {kPageTokens, format.head_dim}},
               {values, {kPageTokens, format.head_dim}}, num_sinks,
               {page, static_cast<size_t>(format.Layout(kv_head).bytes)});
}

}  // namespace oriel
#endif  // HWY_ONCE
