#ifndef ORIEL_KERNELS_CPU_FALLING_TOKENS_H_
#define ORIEL_KERNELS_CPU_FALLING_TOKENS_H_

#include <cstdint>

#include "absl/types/span.h"

namespace oriel {

// The tokens of a vocabulary in order of falling logit (ties: lower id first), one at a time. Only
// as much is sorted as is asked for: logits are taken in bands below the largest, each made a heap.
//
// Invariant   no logit is NaN; the largest is finite. The spans outlive the object.
class FallingTokens {
 public:
  // `ids` has room for every token; it holds the current band. `first_band` is the depth of the
  // first band below `largest`, in logits; later bands are twice as deep each.
  FallingTokens(absl::Span<const float> logits, float largest, float first_band,
                absl::Span<int32_t> ids);

  // The next token, or -1 after the last.
  int32_t Next();

 private:
  void CollectNextBand();
  bool IsLess(int32_t a, int32_t b) const;

  absl::Span<const float> logits_;
  absl::Span<int32_t> ids_;
  float largest_;
  float depth_;
  float band_end_;
  int64_t heap_size_ = 0;
  int64_t given_ = 0;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_FALLING_TOKENS_H_
