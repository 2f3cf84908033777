#ifndef ORIEL_KERNELS_CPU_SAMPLE_PASSES_H_
#define ORIEL_KERNELS_CPU_SAMPLE_PASSES_H_

#include <cstdint>

#include "absl/types/span.h"

namespace oriel {

// The passes over a whole vocabulary that sampling is made of.

// The largest logit; NaN if any is NaN.
float LargestLogit(absl::Span<const float> logits);

// sum exp(logit - shift) in float: for log-probabilities, relative error below 1e-5.
double SumExp(absl::Span<const float> logits, float shift);

// sum exp((logit - shift) / temperature) in double: for draws, where a sum that is off by as little
// as one part in 2^24 could change the token.
double SumWeights(absl::Span<const float> logits, float shift, float temperature);

// Writes the ids whose logit lies in [low, high), rising, and returns how many. `ids` has room for
// all.
int64_t CollectBand(absl::Span<const float> logits, float low, float high, int32_t* ids);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_SAMPLE_PASSES_H_
