#include <algorithm>

#include "kernels/core/status.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/ops/check_args.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/swiglu.cc"
#include "hwy/foreach_target.h"

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// silu(x) by e = exp(-|x|), which never overflows: x / (1 + e) for x >= 0, x * e / (1 + e) below.
template <class D, class V>
HWY_INLINE V GatedActivation(D d, V gate, V up) {
  const V e = hn::Exp(d, hn::Neg(hn::Abs(gate)));
  const V numerator = hn::IfThenElse(hn::Lt(gate, hn::Zero(d)), hn::Mul(gate, e), gate);
  return hn::Mul(hn::Div(numerator, hn::Add(e, hn::Set(d, 1.0f))), up);
}

void SwigluSpan(const float* gate, const float* up, int64_t width, float* out) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t c = 0;
  for (; c + lanes <= width; c += lanes) {
    hn::StoreU(GatedActivation(d, hn::LoadU(d, gate + c), hn::LoadU(d, up + c)), d, out + c);
  }
  const hn::CappedTag<float, 1> d1;
  for (; c < width; ++c) {
    hn::StoreU(GatedActivation(d1, hn::LoadU(d1, gate + c), hn::LoadU(d1, up + c)), d1, out + c);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oriel {
namespace {
constexpr int64_t kSpanColumns = 2048;  // work for about a microsecond
}  // namespace

HWY_EXPORT(SwigluSpan);

absl::Status CpuSwiglu(const SwigluArgs& args, ThreadPool& pool) {
  ORIEL_RETURN_IF_ERROR(CheckSwigluArgs(args));
  const int64_t width = args.gate.dim(1);
  const int64_t spans = (width + kSpanColumns - 1) / kSpanColumns;
  pool.ParallelFor(args.gate.dim(0) * spans, [&](int64_t item, int32_t) {
    const int64_t t = item / spans;
    const int64_t begin = item % spans * kSpanColumns;
    const int64_t columns = std::min(kSpanColumns, width - begin);
    HWY_DYNAMIC_DISPATCH(SwigluSpan)
    (args.gate.row(t) + begin, args.up.row(t) + begin, columns, args.out.row(t) + begin);
  });
  return absl::OkStatus();
}

}  // namespace oriel
#endif  // HWY_ONCE
