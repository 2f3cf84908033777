#ifndef ORIEL_KERNELS_CORE_HALF_H_
#define ORIEL_KERNELS_CORE_HALF_H_

#include <bit>
#include <cstdint>

namespace oriel {

// An IEEE 754 binary16 number as storage; arithmetic happens in float.
struct Half {
  uint16_t bits = 0;
  friend constexpr bool operator==(Half, Half) = default;
};

// A bfloat16 number as storage: the upper half of a float.
struct BFloat16 {
  uint16_t bits = 0;
};

constexpr float ToFloat(Half value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000u) << 16;
  uint32_t exponent = (value.bits >> 10) & 0x1Fu;
  uint32_t mantissa = value.bits & 0x3FFu;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13));
  if (exponent == 0) {
    if (mantissa == 0) return std::bit_cast<float>(sign);
    exponent = 1;
    while ((mantissa & 0x400u) == 0) {
      mantissa <<= 1;
      --exponent;
    }
    mantissa &= 0x3FFu;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

constexpr float ToFloat(BFloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}

// Rounds to nearest, ties to even; beyond 65 520 becomes infinity. NaN stays NaN.
constexpr Half ToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return Half{static_cast<uint16_t>(sign | 0x7E00u)};
  if (magnitude >= 0x477FF000u) return Half{static_cast<uint16_t>(sign | 0x7C00u)};
  if (magnitude >= 0x38800000u) {
    const uint32_t odd = (magnitude >> 13) & 1u;
    return Half{static_cast<uint16_t>(sign | ((magnitude - 0x38000000u + 0xFFFu + odd) >> 13))};
  }
  if (magnitude < 0x33000000u) return Half{sign};
  const uint32_t shift = 126u - (magnitude >> 23);  // 14 … 24: subnormal result
  const uint32_t mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
  const uint32_t kept = mantissa >> shift;
  const uint32_t rest = mantissa & ((1u << shift) - 1u);
  const uint32_t half_way = 1u << (shift - 1u);
  const uint32_t up = (rest > half_way || (rest == half_way && (kept & 1u) != 0)) ? 1u : 0u;
  return Half{static_cast<uint16_t>(sign | (kept + up))};
}

}  // namespace oriel

#endif  // ORIEL_KERNELS_CORE_HALF_H_
