#include "engine/evaluation/distribution_distance.h"

#include <algorithm>
#include <cmath>

#include "kernels/core/check.h"

namespace oriel {

DistributionDistance CompareLogits(std::span<const float> reference, std::span<const float> tested,
                                   TokenId next) {
  ORIEL_CHECK(!reference.empty() && reference.size() == tested.size());
  ORIEL_CHECK(next == kNoToken || (next >= 0 && static_cast<size_t>(next) < tested.size()));
  const auto top_reference = std::max_element(reference.begin(), reference.end());
  const auto top_tested = std::max_element(tested.begin(), tested.end());
  const double max_reference = static_cast<double>(*top_reference);
  const double max_tested = static_cast<double>(*top_tested);

  double sum_reference = 0.0;
  double sum_tested = 0.0;
  // Sum of exp(reference) * (reference - tested), both from their maxima.
  double weighted_gap = 0.0;
  for (size_t i = 0; i < reference.size(); ++i) {
    const double a = static_cast<double>(reference[i]) - max_reference;
    const double b = static_cast<double>(tested[i]) - max_tested;
    const double weight = std::exp(a);
    sum_reference += weight;
    sum_tested += std::exp(b);
    weighted_gap += weight * (a - b);
  }
  const double log_reference = std::log(sum_reference);
  const double log_tested = std::log(sum_tested);

  DistributionDistance distance;
  distance.kl = std::max(0.0, weighted_gap / sum_reference + log_tested - log_reference);
  distance.same_top = top_reference - reference.begin() == top_tested - tested.begin();
  if (next != kNoToken) {
    const size_t index = static_cast<size_t>(next);
    distance.nll = log_tested + max_tested - static_cast<double>(tested[index]);
    distance.nll_reference = log_reference + max_reference - static_cast<double>(reference[index]);
  }
  return distance;
}

}  // namespace oriel
