#ifndef ORIEL_KERNELS_FORMATS_SCALE_5_3_H_
#define ORIEL_KERNELS_FORMATS_SCALE_5_3_H_

#include <cstdint>

#include "kernels/core/half.h"
#include "kernels/formats/minifloat.h"

namespace oriel {

// A scale is an unsigned 8-bit float: 5 exponent and 3 mantissa bits, bias 15. That is an FP16
// number without its sign and its seven last mantissa bits, so a kernel reads a scale with one
// shift: FP16 bits = code << 7.

// 61 440; the codes above would be FP16 infinities and NaNs.
inline constexpr uint8_t kMaxScaleCode = 0xF7;
inline constexpr uint8_t kMinScaleCode = 0x01;  // 2^-17; code 0 is a scale of exactly zero

// Limits: code <= kMaxScaleCode.
constexpr float DecodeScale(uint8_t code) {
  return ToFloat(Half{static_cast<uint16_t>(code << 7)});
}

// The nearest storable scale, ties to even, subnormals included. What is too large, infinity
// included, becomes the largest code; negative numbers and NaN become 0. Every float therefore has
// a valid code.
constexpr uint8_t EncodeScale(float scale) {
  if (!(scale > 0.0f)) return 0;
  if (scale >= DecodeScale(kMaxScaleCode)) return kMaxScaleCode;
  return static_cast<uint8_t>(RoundToThreeMantissaBits(scale, 15));
}

static_assert(DecodeScale(0x78) == 1.0f && EncodeScale(1.0f) == 0x78);
static_assert(DecodeScale(kMaxScaleCode) == 61440.0f);

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_SCALE_5_3_H_
