#ifndef ORIEL_KERNELS_CPU_ATTENTION_DECODE_H_
#define ORIEL_KERNELS_CPU_ATTENTION_DECODE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/ops/attention.h"
#include "kernels/ops/check_kv_args.h"

namespace oriel {

// A context is cut into splits of this many pages by position alone, so that neither the batch nor
// the number of threads decides the order of a sum.
inline constexpr int32_t kSplitPages = 16;

// The running softmax of one query head over part of its tokens: sum of 2^(score - greatest), and
// of that times the value rows. Scores are in bits: log2(e) times those of the softmax.
struct SoftmaxState {
  static constexpr float kLowest = -1e30f;  // finite, so that differences are

  float greatest = kLowest;
  float total = 0.0f;
  alignas(64) std::array<float, kHeadDimMax> out{};
};

// Pages [first_page, end_page) of one view, for the query heads of one KV head.
struct DecodeSplit {
  const AttentionArgs* args = nullptr;
  const KvView* view = nullptr;
  int kv_head = 0;
  int32_t first_page = 0;
  int32_t end_page = 0;
};

// Fills one state a query head, in the natural order of channels.
void AttendDecodeSplit(const DecodeSplit& split, SoftmaxState* states);

// Adds part to sum.
void MergeSoftmaxState(int head_dim, const SoftmaxState& part, SoftmaxState& sum);

// Divides by the total and undoes the value transform; out [head_dim].
void FinishSoftmax(HeadTransform transform, int head_dim, SoftmaxState& state, float* out);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_ATTENTION_DECODE_H_
