#include "kernels/formats/page_centre.h"

#include <algorithm>
#include <cmath>

#include "kernels/core/check.h"

namespace oriel {
namespace {

constexpr float kHalfMax = 65504.0f;

}  // namespace

PageCentre MakePageCentre(int head_dim, std::span<const float> rows, int num_sinks) {
  ORIEL_CHECK(IsSupportedHeadDim(head_dim));
  ORIEL_CHECK(rows.size() == static_cast<size_t>(kPageTokens * head_dim));
  ORIEL_CHECK(num_sinks >= 0 && num_sinks <= kPageTokens);
  PageCentre centre;
  const int num_tokens = kPageTokens - num_sinks;
  if (num_tokens == 0) return centre;

  const size_t channels = static_cast<size_t>(head_dim);
  std::array<float, kHeadDimMax> mean{};
  for (size_t token = static_cast<size_t>(num_sinks); token < kPageTokens; ++token) {
    for (size_t c = 0; c < channels; ++c) mean[c] += rows[token * channels + c];
  }
  float greatest = 0.0f;
  for (size_t c = 0; c < channels; ++c) {
    mean[c] = mean[c] / static_cast<float>(num_tokens);
    greatest = std::max(greatest, std::abs(mean[c]));
  }
  centre.scale = ToHalf(std::min(greatest / kCentreCodeMax, kHalfMax));
  const float scale = ToFloat(centre.scale);
  if (scale == 0.0f) return centre;

  const float inverse = 1.0f / scale;
  for (size_t c = 0; c < channels; ++c) {
    const float clamped = std::min(std::max(mean[c] * inverse, -kCentreCodeMax), kCentreCodeMax);
    centre.codes[c] = static_cast<int8_t>(std::nearbyint(clamped));
  }
  return centre;
}

}  // namespace oriel
