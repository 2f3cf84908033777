#ifndef ORIEL_KERNELS_CPU_HEAD_PAGE_READER_H_
#define ORIEL_KERNELS_CPU_HEAD_PAGE_READER_H_

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/core/half.h"
#include "kernels/cpu/page_unpack.h"
#include "kernels/formats/fp8_e4m3.h"
#include "kernels/formats/kv_layer_format.h"

namespace oriel {

// All that the pages of one KV head have in common, looked up once before the loop over pages.
struct HeadPageReader {
  struct Half {
    UnpackFunction unpack = nullptr;  // null: plain FP16 rows
    PageSection codes;
    PageSection scales;
    PageSection zeros;
    float middle = 0.0f;  // value = scale * (code - middle), or scale * code + zero
    float factor = 1.0f;  // undoes the pre-scale
    bool is_fp16() const { return unpack == nullptr; }
  };

  HeadPageReader(const KvLayerFormat& format, int kv_head)
      : layout(format.Layout(kv_head)), asymmetric(format.asymmetric) {
    const KvHeadFormat& head = format.head(kv_head);
    keys = {.unpack = BestUnpacker(PageHalf::kKey, head.key, format.head_dim),
            .codes = layout.key_codes,
            .scales = layout.key_scales,
            .zeros = layout.key_zeros,
            .middle = asymmetric ? 0.0f : MiddleCode(head.key),
            .factor = std::ldexp(1.0f, -head.key_pre_scale_log2)};
    values = {.unpack = BestUnpacker(PageHalf::kValue, head.value, format.head_dim),
              .codes = layout.value_codes,
              .scales = layout.value_scales,
              .zeros = layout.value_zeros,
              .middle = asymmetric ? 0.0f : MiddleCode(head.value),
              .factor = std::ldexp(1.0f, -head.value_pre_scale_log2)};
  }

  HeadPageLayout layout;
  bool asymmetric;
  Half keys;
  Half values;
};

// The zeros of a half in lane order (page_tiles.h).
inline void ReadZeros(const std::byte* section, float* zeros) {
  for (int token = 0; token < kPageTokens; ++token) {
    zeros[LaneOf(token)] = DecodeE4M3(std::to_integer<uint8_t>(section[ScaleIndex(token)]));
  }
}

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_HEAD_PAGE_READER_H_
