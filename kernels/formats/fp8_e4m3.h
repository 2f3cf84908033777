#ifndef ORIEL_KERNELS_FORMATS_FP8_E4M3_H_
#define ORIEL_KERNELS_FORMATS_FP8_E4M3_H_

#include <bit>
#include <cstdint>

#include "kernels/formats/minifloat.h"

namespace oriel {

// Zeros of the asymmetric variant are FP8 E4M3 as in the OCP specification: sign, 4 exponent bits
// with bias 7, 3 mantissa bits, no infinities; 0x7F and 0xFF are NaN and are never written.

inline constexpr uint8_t kMaxE4M3Code = 0x7E;  // 448

// NaN codes decode to NaN.
constexpr float DecodeE4M3(uint8_t code) {
  const uint32_t sign = static_cast<uint32_t>(code & 0x80u) << 24;
  const uint32_t exponent = (code >> 3) & 0xFu;
  const uint32_t mantissa = code & 0x7u;
  if ((code & 0x7Fu) == 0x7Fu) return std::bit_cast<float>(sign | 0x7FC00000u);
  if (exponent != 0)
    return std::bit_cast<float>(sign | ((exponent + 120) << 23) | (mantissa << 20));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-9f;
  return sign != 0 ? -magnitude : magnitude;
}

// The nearest number, ties to even; beyond +-448 it saturates. NaN becomes 0, and so does what
// rounds to minus zero.
constexpr uint8_t EncodeE4M3(float value) {
  if (value != value) return 0;
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const bool negative = (bits >> 31) != 0;
  const float magnitude = std::bit_cast<float>(bits & 0x7FFFFFFFu);
  const uint32_t rounded =
      magnitude >= 448.0f ? kMaxE4M3Code : RoundToThreeMantissaBits(magnitude, 7);
  return static_cast<uint8_t>(rounded | (negative && rounded != 0 ? 0x80u : 0u));
}

static_assert(DecodeE4M3(kMaxE4M3Code) == 448.0f && EncodeE4M3(-448.0f) == 0xFE);

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_FP8_E4M3_H_
