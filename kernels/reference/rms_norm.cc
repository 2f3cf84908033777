#include <cmath>

#include "kernels/core/status.h"
#include "kernels/ops/check_args.h"
#include "kernels/reference/reference_ops.h"

namespace oriel {

absl::Status ReferenceRmsNorm(const RmsNormArgs& args) {
  ORIEL_RETURN_IF_ERROR(CheckRmsNormArgs(args));
  const int64_t hidden = args.input.dim(1);
  for (int64_t t = 0; t < args.input.dim(0); ++t) {
    double squares = 0.0;
    for (int64_t c = 0; c < hidden; ++c) {
      squares += double{args.input(t, c)} * double{args.input(t, c)};
    }
    const double root = std::sqrt(squares / static_cast<double>(hidden) + double{args.epsilon});
    for (int64_t c = 0; c < hidden; ++c) {
      args.out(t, c) = static_cast<float>(double{args.input(t, c)} * double{args.weight(c)} / root);
    }
  }
  return absl::OkStatus();
}

}  // namespace oriel
