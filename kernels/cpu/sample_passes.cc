#include "kernels/cpu/sample_passes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/sample_passes.cc"
#include "hwy/foreach_target.h"

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

float LargestLogitHere(const float* logits, int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto largest = hn::Set(d, kMinusInfinity);
  auto has_nan = hn::Lt(largest, largest);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto value = hn::LoadU(d, logits + i);
    has_nan = hn::Or(has_nan, hn::IsNaN(value));
    largest = hn::Max(largest, value);
  }
  float result = hn::GetLane(hn::MaxOfLanes(d, largest));
  bool nan = !hn::AllFalse(d, has_nan);
  for (; i < count; ++i) {
    nan = nan || std::isnan(logits[i]);
    result = std::max(result, logits[i]);
  }
  return nan ? std::numeric_limits<float>::quiet_NaN() : result;
}

double SumExpHere(const float* logits, int64_t count, float shift) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto minus_shift = hn::Set(d, -shift);
  // Float sums of so few terms that their rounding does not add up.
  constexpr int64_t kSpan = 4096;
  double total = 0.0;
  int64_t i = 0;
  while (i + lanes <= count) {
    const int64_t end = std::min(count - lanes, i + kSpan - lanes);
    auto sum = hn::Zero(d);
    for (; i <= end; i += lanes) {
      sum = hn::Add(sum, hn::Exp(d, hn::Add(hn::LoadU(d, logits + i), minus_shift)));
    }
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum)));
  }
  for (; i < count; ++i) total += std::exp(static_cast<double>(logits[i]) - double{shift});
  return total;
}

double SumWeightsHere(const float* logits, int64_t count, float shift, float temperature) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, hn::ScalableTag<double>> d_float;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto minus_shift = hn::Set(d, -double{shift});
  const auto divisor = hn::Set(d, double{temperature});
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto logit = hn::PromoteTo(d, hn::LoadU(d_float, logits + i));
    sum = hn::Add(sum, hn::Exp(d, hn::Div(hn::Add(logit, minus_shift), divisor)));
  }
  double total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < count; ++i) {
    total += std::exp((static_cast<double>(logits[i]) - double{shift}) / double{temperature});
  }
  return total;
}

int64_t CollectBandHere(const float* logits, int64_t count, float low, float high, int32_t* ids) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto low_lanes = hn::Set(d, low);
  int64_t found = 0;
  // Few logits reach the bands that are asked for, so nearly every vector is passed over.
  for (int64_t begin = 0; begin < count; begin += lanes) {
    const int64_t end = std::min(count, begin + lanes);
    if (end - begin == lanes && hn::AllFalse(d, hn::Ge(hn::LoadU(d, logits + begin), low_lanes))) {
      continue;
    }
    for (int64_t i = begin; i < end; ++i) {
      if (logits[i] >= low && logits[i] < high) ids[found++] = static_cast<int32_t>(i);
    }
  }
  return found;
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oriel {
HWY_EXPORT(LargestLogitHere);
HWY_EXPORT(SumExpHere);
HWY_EXPORT(SumWeightsHere);
HWY_EXPORT(CollectBandHere);

namespace {
int64_t Count(absl::Span<const float> logits) { return static_cast<int64_t>(logits.size()); }
}  // namespace

float LargestLogit(absl::Span<const float> logits) {
  return HWY_DYNAMIC_DISPATCH(LargestLogitHere)(logits.data(), Count(logits));
}

double SumExp(absl::Span<const float> logits, float shift) {
  return HWY_DYNAMIC_DISPATCH(SumExpHere)(logits.data(), Count(logits), shift);
}

double SumWeights(absl::Span<const float> logits, float shift, float temperature) {
  return HWY_DYNAMIC_DISPATCH(SumWeightsHere)(logits.data(), Count(logits), shift, temperature);
}

int64_t CollectBand(absl::Span<const float> logits, float low, float high, int32_t* ids) {
  return HWY_DYNAMIC_DISPATCH(CollectBandHere)(logits.data(), Count(logits), low, high, ids);
}

}  // namespace oriel
#endif  // HWY_ONCE
