#ifndef ORIEL_ENGINE_EVALUATION_DISTRIBUTION_DISTANCE_H_
#define ORIEL_ENGINE_EVALUATION_DISTRIBUTION_DISTANCE_H_

#include <span>

#include "engine/base/token_id.h"

namespace oriel {

// How far one next-token distribution is from the reference, at one position.
struct DistributionDistance {
  double kl = 0.0;             // KL(reference || tested) in nats, over the whole vocabulary
  double nll = 0.0;            // -log of the next token's probability under `tested`
  double nll_reference = 0.0;  // the same under `reference`
  bool same_top = false;       // both put the same token first
};

// Compares the softmax of two rows of logits, in double. `next` is the token that follows in the
// text; kNoToken at its end leaves the likelihoods 0.
// Limits      both rows have one length, at least 1; `next` lies inside.
DistributionDistance CompareLogits(std::span<const float> reference, std::span<const float> tested,
                                   TokenId next);

}  // namespace oriel

#endif  // ORIEL_ENGINE_EVALUATION_DISTRIBUTION_DISTANCE_H_
