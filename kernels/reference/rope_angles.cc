#include <cmath>

#include "kernels/core/status.h"
#include "kernels/ops/check_args.h"
#include "kernels/reference/reference_ops.h"

namespace oriel {

absl::Status ReferenceRopeAngles(const RopeAnglesArgs& args) {
  ORIEL_RETURN_IF_ERROR(CheckRopeAnglesArgs(args));
  const double magnitude = double{args.magnitude};
  for (int64_t t = 0; t < args.positions.dim(0); ++t) {
    for (int64_t i = 0; i < args.inverse_frequencies.dim(0); ++i) {
      const double angle = static_cast<double>(args.positions(t)) * args.inverse_frequencies(i);
      args.cosines(t, i) = static_cast<float>(magnitude * std::cos(angle));
      args.sines(t, i) = static_cast<float>(magnitude * std::sin(angle));
    }
  }
  return absl::OkStatus();
}

}  // namespace oriel
