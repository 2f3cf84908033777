#include "kernels/cpu/falling_tokens.h"

#include <algorithm>
#include <limits>

#include "kernels/cpu/sample_passes.h"

namespace oriel {
namespace {

// Below this depth what is left is taken as a whole.
constexpr float kDepthMax = 64.0f;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

FallingTokens::FallingTokens(absl::Span<const float> logits, float largest, float first_band,
                             absl::Span<int32_t> ids)
    : logits_(logits), ids_(ids), largest_(largest), depth_(first_band), band_end_(kInfinity) {}

bool FallingTokens::IsLess(int32_t a, int32_t b) const {
  const float logit_a = logits_[static_cast<size_t>(a)];
  const float logit_b = logits_[static_cast<size_t>(b)];
  return logit_a < logit_b || (logit_a == logit_b && a > b);
}

void FallingTokens::CollectNextBand() {
  const float low = depth_ < kDepthMax ? largest_ - depth_ : -kInfinity;
  heap_size_ = CollectBand(logits_, low, band_end_, ids_.data());
  band_end_ = low;
  depth_ *= 2.0f;
  std::make_heap(ids_.begin(), ids_.begin() + heap_size_,
                 [this](int32_t a, int32_t b) { return IsLess(a, b); });
}

int32_t FallingTokens::Next() {
  if (given_ == static_cast<int64_t>(logits_.size())) return -1;
  while (heap_size_ == 0) CollectNextBand();
  std::pop_heap(ids_.begin(), ids_.begin() + heap_size_,
                [this](int32_t a, int32_t b) { return IsLess(a, b); });
  --heap_size_;
  ++given_;
  return ids_[static_cast<size_t>(heap_size_)];
}

}  // namespace oriel
