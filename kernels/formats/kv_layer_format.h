#ifndef ORIEL_KERNELS_FORMATS_KV_LAYER_FORMAT_H_
#define ORIEL_KERNELS_FORMATS_KV_LAYER_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "kernels/formats/codec.h"
#include "kernels/formats/head_page_layout.h"

namespace oriel {

// Version of everything that decides a page's bytes: sections, code order, scale formats, and the
// encoder's arithmetic. It goes up with each change that makes another byte out of the same rows.
inline constexpr int kKvFormatVersion = 1;

inline constexpr int kMaxKvHeads = 128;
inline constexpr int kMinGroupChannels = 32;
inline constexpr int kPreScaleLog2Max = 16;

// The orthogonal map that brings rows of one head into the basis they are stored in.
enum class HeadTransform : uint8_t {
  kNone,
  kHadamard,  // Sylvester order, divided by sqrt(head_dim); its own inverse
};

// The two halves of one KV head. Each half has its own codec and transform.
struct KvHeadFormat {
  Codec key = Codec::kFp16;
  Codec value = Codec::kFp16;
  // A packed half stores 2^x_pre_scale_log2 times its rows (codes, zeros and centre alike), and a
  // reader multiplies what it decodes by 2^-x_pre_scale_log2. Chosen per head so that typical
  // scales lie near 1, far from subnormals.
  int8_t key_pre_scale_log2 = 0;
  int8_t value_pre_scale_log2 = 0;
  HeadTransform key_transform = HeadTransform::kNone;
  HeadTransform value_transform = HeadTransform::kNone;

  friend constexpr bool operator==(const KvHeadFormat&, const KvHeadFormat&) = default;
};

// The transform a half has unless calibration says otherwise. FP16 loses nothing in the model's own
// basis; every packed codec wants its outliers spread over the head.
constexpr HeadTransform DefaultTransform(Codec codec) {
  return codec == Codec::kFp16 ? HeadTransform::kNone : HeadTransform::kHadamard;
}

constexpr KvHeadFormat DefaultHeadFormat(Codec key, Codec value) {
  return {.key = key,
          .value = value,
          .key_transform = DefaultTransform(key),
          .value_transform = DefaultTransform(value)};
}

// The format of every page of one layer: fixed at load, the same for all sequences.
//
// Invariant  made by one of the two functions below; head h of a page lies at head_offset[h] of
//            that page's layer_page_bytes, both multiples of 16.
// Threads    plain data, immutable after it is made; copied to a device as it is.
struct KvLayerFormat {
  int32_t head_dim = 0;
  int32_t kv_heads = 0;
  int32_t groups = 1;
  bool asymmetric = false;
  std::array<KvHeadFormat, kMaxKvHeads> heads{};   // the first kv_heads are valid
  std::array<int32_t, kMaxKvHeads> head_offset{};  // bytes from the start of a layer page
  int64_t layer_page_bytes = 0;

  constexpr const KvHeadFormat& head(int kv_head) const {
    return heads[static_cast<size_t>(kv_head)];
  }
  constexpr HeadPageLayout Layout(int kv_head) const {
    return MakeHeadPageLayout(head_dim, head(kv_head).key, head(kv_head).value, groups, asymmetric);
  }
  friend constexpr bool operator==(const KvLayerFormat&, const KvLayerFormat&) = default;
};

// Limits  head_dim 64 or 128; 1 to 128 heads; groups a power of two with at least 32 channels each;
//         E8 codecs need groups == 1 because their blocks span the whole head; pre-scales within
//         +-16, and 0 where the codec is fp16.
// Errors  InvalidArgument names the field, its value and its limit.
absl::StatusOr<KvLayerFormat> MakeKvLayerFormat(int head_dim, std::span<const KvHeadFormat> heads,
                                                int groups = 1, bool asymmetric = false);

// The same two codecs in every head, with their default transforms. The arguments are within the
// limits above: the caller has validated them, so anything else is a bug.
KvLayerFormat MakeUniformKvLayerFormat(int head_dim, int kv_heads, Codec key, Codec value);

// Stored bits a value (K and V together, mean over the heads): codes, scales, zeros, centre and
// reserve.
constexpr double StoredBitsPerValue(const KvLayerFormat& format) {
  const double values = 2.0 * kPageTokens * format.head_dim * format.kv_heads;
  return 8.0 * static_cast<double>(format.layer_page_bytes) / values;
}

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_KV_LAYER_FORMAT_H_
