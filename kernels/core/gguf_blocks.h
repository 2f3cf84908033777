#ifndef ORIEL_KERNELS_CORE_GGUF_BLOCKS_H_
#define ORIEL_KERNELS_CORE_GGUF_BLOCKS_H_

#include <cstddef>
#include <cstdint>

#include "kernels/core/dtype.h"
#include "kernels/core/half.h"

namespace oriel {

// The block types of GGUF, byte for byte (little endian, no padding). In the types of 32 values the
// byte qs[j] holds code j in its low half and code j + 16 in its high half; bit i of `qh` is the
// fifth bit of code i.

struct BlockQ4_0 {  // value = d * (code - 8)
  Half d;
  uint8_t qs[16];
};

struct BlockQ4_1 {  // value = d * code + m
  Half d;
  Half m;
  uint8_t qs[16];
};

struct BlockQ5_0 {  // value = d * (code - 16)
  Half d;
  uint8_t qh[4];
  uint8_t qs[16];
};

struct BlockQ5_1 {  // value = d * code + m
  Half d;
  Half m;
  uint8_t qh[4];
  uint8_t qs[16];
};

struct BlockQ8_0 {  // value = d * code
  Half d;
  int8_t qs[32];
};

// 256 values in eight runs of 32, each with a 6-bit scale and minimum:
//   value = d * scale[run] * code - dmin * minimum[run]
// qs[32 * p + j] holds code j of run 2 * p in its low half, of run 2 * p + 1 in its high half.
struct BlockQ4_K {
  Half d;
  Half dmin;
  uint8_t scales[12];  // UnpackScales6
  uint8_t qs[128];
};

// As Q4_K; bit `run` of qh[j] is the fifth bit of code j of that run.
struct BlockQ5_K {
  Half d;
  Half dmin;
  uint8_t scales[12];
  uint8_t qh[32];
  uint8_t qs[128];
};

// 256 values in sixteen runs of 16: value = d * scales[run] * (code - 32). Each half of 128 values
// takes 64 bytes of ql and 32 of qh; value 32 * q + j of a half has its low four bits in
// ql[32 * (q % 2) + j] (low half for q < 2, high half else), the upper two in qh[j] at bit 2 * q.
struct BlockQ6_K {
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  Half d;
};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22);
static_assert(sizeof(BlockQ5_1) == 24 && sizeof(BlockQ8_0) == 34 && sizeof(BlockQ4_K) == 144);
static_assert(sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210);

// The eight scales and minima that Q4_K and Q5_K keep in twelve bytes.
struct Scales6 {
  uint8_t scale[8];
  uint8_t minimum[8];
};

constexpr Scales6 UnpackScales6(const uint8_t (&packed)[12]) {
  Scales6 out{};
  for (int i = 0; i < 4; ++i) {
    out.scale[i] = packed[i] & 63;
    out.minimum[i] = packed[4 + i] & 63;
    out.scale[4 + i] = static_cast<uint8_t>((packed[8 + i] & 15) | ((packed[i] >> 6) << 4));
    out.minimum[4 + i] = static_cast<uint8_t>((packed[8 + i] >> 4) | ((packed[4 + i] >> 6) << 4));
  }
  return out;
}

// Decodes one row to float, in the order of roundings that the formulas above show from left to
// right, so that every back end gives the same bits.
//
// Limits      columns a whole number of blocks of `dtype`; `row` needs no alignment.
void DecodeRow(DType dtype, const std::byte* row, int64_t columns, float* out);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CORE_GGUF_BLOCKS_H_
