#include <cmath>

#include "kernels/core/status.h"
#include "kernels/ops/check_args.h"
#include "kernels/reference/reference_ops.h"

namespace oriel {

absl::Status ReferenceSwiglu(const SwigluArgs& args) {
  ORIEL_RETURN_IF_ERROR(CheckSwigluArgs(args));
  for (int64_t t = 0; t < args.gate.dim(0); ++t) {
    for (int64_t c = 0; c < args.gate.dim(1); ++c) {
      const double gate = double{args.gate(t, c)};
      const double silu = gate / (1.0 + std::exp(-gate));
      args.out(t, c) = static_cast<float>(silu * double{args.up(t, c)});
    }
  }
  return absl::OkStatus();
}

}  // namespace oriel
