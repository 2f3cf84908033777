#ifndef ORIEL_KERNELS_CPU_CODE_PACKER_H_
#define ORIEL_KERNELS_CPU_CODE_PACKER_H_

#include <cstddef>
#include <cstdint>

#include "kernels/formats/codec.h"

namespace oriel {

// Packs a code section from codes [head_dim][64 tokens], one a byte, as encoders that work on many
// tokens at once leave them: the places of code_index.h, looked up instead of computed. Integer and
// E8 codecs.
void PackTransposedCodes(PageHalf half, Codec codec, int head_dim, const uint8_t* codes,
                         std::byte* section);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_CODE_PACKER_H_
