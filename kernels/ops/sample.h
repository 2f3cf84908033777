#ifndef ORIEL_KERNELS_OPS_SAMPLE_H_
#define ORIEL_KERNELS_OPS_SAMPLE_H_

#include <cstdint>

#include "kernels/core/tensor_view.h"

namespace oriel {

// A change of one token's logit before sampling: first the repetition rule, then the offset.
//   l = l > 0 ? l / repetition : l * repetition;   l += offset
// An offset of -infinity forbids the token.
struct LogitAdjustment {
  int32_t token = 0;
  float repetition = 1.0f;
  float offset = 0.0f;
};

// How one row is sampled.
struct SampleRow {
  int32_t logits_row = 0;     // row of `logits`
  int32_t forced_token = -1;  // >= 0: nothing is drawn, this token's log-probability is reported
  float temperature = 1.0f;   // 0: greedy, the lowest id wins a tie
  int32_t top_k = 0;          // 0: off
  float top_p = 1.0f;         // 1: off
  float min_p = 0.0f;         // 0: off; relative to the most likely token
  uint64_t seed = 0;          // the request's
  uint64_t position = 0;      // of the drawn token in its sequence; seed and position fix the draw
  int32_t num_top_logprobs = 0;   // 0 … max columns of top_tokens
  int32_t adjustments_begin = 0;  // its part of `adjustments`
  int32_t adjustments_end = 0;
};

struct SampledToken {
  int32_t token = -1;
  float logprob = 0.0f;  // of the token under softmax of the unadjusted logits
};

// Draws a token a row and reports log-probabilities.
//
// Order: log-probabilities from the logits as the model gave them; adjustments; temperature; top-k,
// top-p, min-p, each on the renormalized rest, in this order; the draw is the inverse of the
// cumulative distribution in order of falling probability (ties: lower id first) at u =
// Philox4x32-10(key = seed, counter = position), 24 bits.
//
// Shapes      logits [rows, vocab] float; rows [count]; adjustments flat; out [count]; top_tokens,
//             top_logprobs [count, top_max]: the most likely tokens, falling, ties by lower id;
//             columns past num_top_logprobs are left alone
// Limits      vocab <= 2^20; top_max <= 64.
// Aliasing    none allowed; logits are not changed.
// Stream      enqueued on `stream`.
// Errors      InvalidArgument names the row, its value and its limit. A row whose logits are NaN
//             gets token -1: the caller ends that request.
// Numerics    Log-probabilities within 1e-4 of double. A row's result does not depend on other
//             rows.
// Cost        bytes: 4 * vocab a row and pass.
// Source      Philox: Salmon et al., SC 2011. min-p: arXiv 2407.01082.
struct SampleArgs {
  TensorView<const float, 2> logits;
  TensorView<const SampleRow, 1> rows;
  TensorView<const LogitAdjustment, 1> adjustments;
  TensorView<SampledToken, 1> out;
  TensorView<int32_t, 2> top_tokens;
  TensorView<float, 2> top_logprobs;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_SAMPLE_H_
