#ifndef ORIEL_KERNELS_FORMATS_CODE_SECTION_H_
#define ORIEL_KERNELS_FORMATS_CODE_SECTION_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/formats/codec.h"

namespace oriel {

// Plain packing of a code section, one code after the other through the closed formulas of
// code_index.h. This is the definition; faster code must give the same bytes.
//
// Shapes   codes   [64 * head_dim] token-major, one code a byte
//          section [CodeSectionBytes(codec, head_dim)]
// Limits   any codec but fp16; head_dim 64 or 128; codes below Levels(codec); for E8 codecs the low
//          bits of every block are a codeword.
// Errors   none: all of these are invariants of the caller and are checked.
void PackCodes(PageHalf half, Codec codec, int head_dim, std::span<const uint8_t> codes,
               std::span<std::byte> section);

// The inverse. Every section of the right size decodes: for ternary a digit is code % 3, so the 13
// byte values above 242, which packing never writes, read as some valid codes.
void UnpackCodes(PageHalf half, Codec codec, int head_dim, std::span<const std::byte> section,
                 std::span<uint8_t> codes);

// Whether the low bits of every block of a row [head_dim] form a codeword.
bool IsE8Row(int head_dim, std::span<const uint8_t> row);

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_CODE_SECTION_H_
