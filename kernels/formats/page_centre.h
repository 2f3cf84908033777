#ifndef ORIEL_KERNELS_FORMATS_PAGE_CENTRE_H_
#define ORIEL_KERNELS_FORMATS_PAGE_CENTRE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/core/half.h"
#include "kernels/formats/codec.h"

namespace oriel {

// The mean of a page's keys as it is stored: centre[c] = scale * codes[c]. Keys are encoded as what
// is left after it, so a large common part of all keys costs no precision; a kernel adds
// query . centre once a page.
struct PageCentre {
  std::array<int8_t, kHeadDimMax> codes{};  // the first head_dim are valid
  Half scale;

  // Exact in float: 11 bits times 7.
  constexpr float at(int channel) const {
    return ToFloat(scale) * static_cast<float>(codes[static_cast<size_t>(channel)]);
  }
  friend constexpr bool operator==(const PageCentre&, const PageCentre&) = default;
};

inline constexpr float kCentreCodeMax = 127.0f;

// The centre of rows [64 * head_dim], token-major. The first num_sinks tokens do not count, because
// sinks have outlying keys and are never read packed; without any other token the centre is zero.
//
// Numerics  as in group_encoder.h:
//   sum[c]  tokens num_sinks, num_sinks + 1, ... 63 added in this order; mean[c] = sum[c] / tokens
//   scale   FP16 of min(max |mean[c]| / 127, 65504)
//   code    Round(min(max(mean[c] * (1 / scale), -127), 127)); 0 if scale is 0
// Limits    0 <= num_sinks <= 64; rows finite.
PageCentre MakePageCentre(int head_dim, std::span<const float> rows, int num_sinks);

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_PAGE_CENTRE_H_
