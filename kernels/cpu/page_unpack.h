#ifndef ORIEL_KERNELS_CPU_PAGE_UNPACK_H_
#define ORIEL_KERNELS_CPU_PAGE_UNPACK_H_

#include <cstdint>

#include "kernels/cpu/page_tiles.h"
#include "kernels/formats/codec.h"

namespace oriel {

// Unpacks a code section into the tiles of page_tiles.h [64 * head_dim bytes, 64-byte aligned].
using UnpackFunction = void (*)(const uint8_t* section, uint8_t* tiles);

// The unpacker of a half for the instruction set in use, null where its rows are FP16.
UnpackFunction BestUnpacker(PageHalf half, Codec codec, int head_dim);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_PAGE_UNPACK_H_
