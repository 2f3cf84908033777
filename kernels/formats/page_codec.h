#ifndef ORIEL_KERNELS_FORMATS_PAGE_CODEC_H_
#define ORIEL_KERNELS_FORMATS_PAGE_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/core/half.h"
#include "kernels/core/tensor_view.h"
#include "kernels/formats/kv_layer_format.h"

namespace oriel {

// A row element as the encoder sees it: NaN counts as 0 and an infinity as the largest FP16 number,
// so that a broken activation spoils its own token and never a scale code.
constexpr Half FiniteHalf(Half value) {
  if ((value.bits & 0x7C00u) != 0x7C00u) return value;
  if ((value.bits & 0x03FFu) != 0) return Half{0};
  return Half{static_cast<uint16_t>((value.bits & 0x8000u) | 0x7BFFu)};
}

// Writes the bytes of one head page. This is the definition of a sealed page under the recipe that
// needs no calibration; it is plain and slow, and every fast seal must give the same bytes.
//
//   packed keys    x = FiniteHalf(key) * 2^key_pre_scale_log2; centre of x without the sinks; each
//                  token's groups of x - centre encoded
//   packed values  x = FiniteHalf(value) * 2^value_pre_scale_log2; each token's groups encoded
//   fp16 half      the rows' bits, unchanged
//
// Shapes    keys, values [64, head_dim], already in the basis of the format's transforms
//           page         [format.Layout(kv_head).bytes]; every byte is written
// Limits    0 <= num_sinks <= 64: the page's first tokens that are sinks. They are encoded like the
//           others but do not count in the centre.
// Aliasing  page does not overlap the rows.
// Errors    none: sizes are invariants of the caller and are checked. Any row content is allowed.
// Numerics  group_encoder.h and page_centre.h: float32 in one fixed order, equal bytes everywhere.
void SealHeadPage(const KvLayerFormat& format, int kv_head, TensorView<const Half, 2> keys,
                  TensorView<const Half, 2> values, int num_sinks, std::span<std::byte> page);

// What a head page stands for: keys with their centre, values; pre-scales undone.
//
// Shapes    page [format.Layout(kv_head).bytes]; keys, values [64, head_dim]
// Numerics  scale * (code - m) and scale * code are exact in float; adding the zero and then the
//           centre rounds once each; the power of two is exact.
// Errors    as above. A damaged page decodes to some numbers, never out of bounds.
void DecodeHeadPage(const KvLayerFormat& format, int kv_head, std::span<const std::byte> page,
                    TensorView<float, 2> keys, TensorView<float, 2> values);

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_PAGE_CODEC_H_
