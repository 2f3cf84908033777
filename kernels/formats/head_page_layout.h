#ifndef ORIEL_KERNELS_FORMATS_HEAD_PAGE_LAYOUT_H_
#define ORIEL_KERNELS_FORMATS_HEAD_PAGE_LAYOUT_H_

#include <cstdint>

#include "kernels/formats/codec.h"

namespace oriel {

// A contiguous part of a head page, in bytes from the start of the head page. An absent section has
// no bytes.
struct PageSection {
  int32_t offset = 0;
  int32_t bytes = 0;

  constexpr bool present() const { return bytes != 0; }
  friend constexpr bool operator==(PageSection, PageSection) = default;
};

// Where the parts of one head page lie: one page's bytes of one layer and one KV head.
//
//   [ K codes | V codes | K scales | V scales | K zeros | V zeros | page centre | centre scale ]
//
// The sections follow each other without gaps. Every section is a multiple of 16 bytes, so all
// start 16-byte aligned if the head page does. Scales, zeros and centre belong to packed halves
// only: an fp16 half is plain rows [64][head_dim] in its code section and nothing else. Zeros exist
// in the asymmetric variant only.
struct HeadPageLayout {
  PageSection key_codes;
  PageSection value_codes;
  PageSection key_scales;    // uint8 5-3 floats, ScaleIndex() order
  PageSection value_scales;  // as key_scales
  PageSection key_zeros;     // FP8 E4M3, ScaleIndex() order
  PageSection value_zeros;   // as key_zeros
  PageSection centre;        // int8 a channel, in channel order
  PageSection centre_scale;  // one FP16, then 14 reserved bytes that are written as zero
  int32_t bytes = 0;         // of the whole head page

  friend constexpr bool operator==(const HeadPageLayout&, const HeadPageLayout&) = default;
};

inline constexpr int kPageSectionAlignment = 16;
inline constexpr int kCentreScaleSectionBytes = 16;

// Byte of a scale or zero section that belongs to a token and group. Group-major; inside a group
// byte 8g + i is token g + 8i, so that the lanes that hold token g of every tile of eight find
// their bytes side by side.
constexpr int ScaleIndex(int token, int group = 0) {
  return kPageTokens * group + 8 * (token % 8) + token / 8;
}

// Limits: head_dim 64 or 128; groups >= 1 divides head_dim.
constexpr HeadPageLayout MakeHeadPageLayout(int head_dim, Codec key, Codec value, int groups = 1,
                                            bool asymmetric = false) {
  HeadPageLayout layout;
  const auto append = [&layout](PageSection& section, bool wanted, int bytes) {
    section = {layout.bytes, wanted ? bytes : 0};
    layout.bytes += section.bytes;
  };
  const bool packed_keys = key != Codec::kFp16;
  const bool packed_values = value != Codec::kFp16;
  const int scale_bytes = kPageTokens * groups;
  append(layout.key_codes, true, CodeSectionBytes(key, head_dim));
  append(layout.value_codes, true, CodeSectionBytes(value, head_dim));
  append(layout.key_scales, packed_keys, scale_bytes);
  append(layout.value_scales, packed_values, scale_bytes);
  append(layout.key_zeros, packed_keys && asymmetric, scale_bytes);
  append(layout.value_zeros, packed_values && asymmetric, scale_bytes);
  append(layout.centre, packed_keys, head_dim);
  append(layout.centre_scale, packed_keys, kCentreScaleSectionBytes);
  return layout;
}

// The two sizes that the whole design quotes.
static_assert(MakeHeadPageLayout(128, Codec::kInt2, Codec::kE8_1p5).bytes == 3856);
static_assert(MakeHeadPageLayout(64, Codec::kInt2, Codec::kE8_1p5).bytes == 2000);

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_HEAD_PAGE_LAYOUT_H_
