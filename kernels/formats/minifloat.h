#ifndef ORIEL_KERNELS_FORMATS_MINIFLOAT_H_
#define ORIEL_KERNELS_FORMATS_MINIFLOAT_H_

#include <bit>
#include <cstdint>

namespace oriel {

// The nearest number with three mantissa bits and this exponent bias, as exponent field << 3 |
// mantissa; ties go to the even mantissa, and numbers below 2^(1 - bias) have subnormal steps. The
// result may exceed what the format can hold: callers saturate. Limits: magnitude >= 0, finite.
constexpr uint32_t RoundToThreeMantissaBits(float magnitude, int bias) {
  const uint32_t bits = std::bit_cast<uint32_t>(magnitude);
  const uint32_t rebias = static_cast<uint32_t>(127 - bias);
  if ((bits >> 23) > rebias) {
    const uint32_t odd = (bits >> 20) & 1u;
    return ((bits + 0x7FFFFu + odd) >> 20) - (rebias << 3);
  }
  // A subnormal result counts steps of 2^(-2 - bias). Adding 2^23 rounds the count to a whole
  // number, because a float of that size has no fraction; a count of 8 is the code of the smallest
  // normal number.
  const float steps = magnitude * std::bit_cast<float>(static_cast<uint32_t>(127 + 2 + bias) << 23);
  return std::bit_cast<uint32_t>(steps + 8388608.0f) - std::bit_cast<uint32_t>(8388608.0f);
}

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_MINIFLOAT_H_
