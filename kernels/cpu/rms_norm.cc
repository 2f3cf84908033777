#include <cmath>

#include "kernels/core/status.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/ops/check_args.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/rms_norm.cc"
#include "hwy/foreach_target.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// hidden is a multiple of 16, so every vector here is full.
void NormalizeRow(const float* input, const float* weight, int64_t hidden, float epsilon,
                  float* out) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto squares = hn::Zero(d);
  for (int64_t c = 0; c < hidden; c += lanes) {
    const auto x = hn::LoadU(d, input + c);
    squares = hn::MulAdd(x, x, squares);
  }
  const float sum = hn::GetLane(hn::SumOfLanes(d, squares));
  const float factor = 1.0f / std::sqrt(sum / static_cast<float>(hidden) + epsilon);
  const auto scale = hn::Set(d, factor);
  for (int64_t c = 0; c < hidden; c += lanes) {
    const auto x = hn::Mul(hn::LoadU(d, input + c), scale);
    hn::StoreU(hn::Mul(x, hn::LoadU(d, weight + c)), d, out + c);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oriel {
HWY_EXPORT(NormalizeRow);

absl::Status CpuRmsNorm(const RmsNormArgs& args, ThreadPool& pool) {
  ORIEL_RETURN_IF_ERROR(CheckRmsNormArgs(args));
  pool.ParallelFor(args.input.dim(0), [&](int64_t t, int32_t) {
    HWY_DYNAMIC_DISPATCH(NormalizeRow)
    (args.input.row(t), args.weight.data, args.input.dim(1), args.epsilon, args.out.row(t));
  });
  return absl::OkStatus();
}

}  // namespace oriel
#endif  // HWY_ONCE
