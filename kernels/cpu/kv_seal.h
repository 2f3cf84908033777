#ifndef ORIEL_KERNELS_CPU_KV_SEAL_H_
#define ORIEL_KERNELS_CPU_KV_SEAL_H_

#include <cstddef>

#include "kernels/core/half.h"
#include "kernels/formats/kv_layer_format.h"

namespace oriel {

// SealHeadPage of kernels/formats/page_codec.h, the same bytes, for rows [64, head_dim] that lie
// side by side.
void SealHeadPageFast(const KvLayerFormat& format, int kv_head, const Half* keys,
                      const Half* values, int num_sinks, std::byte* page);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_KV_SEAL_H_
