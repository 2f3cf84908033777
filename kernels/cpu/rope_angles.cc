#include <cmath>

#include "kernels/core/status.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/ops/check_args.h"

namespace oriel {

// Once a step and at most 64 pairs a token: the library's double functions are fast enough.
absl::Status CpuRopeAngles(const RopeAnglesArgs& args, ThreadPool& pool) {
  ORIEL_RETURN_IF_ERROR(CheckRopeAnglesArgs(args));
  const double magnitude = double{args.magnitude};
  pool.ParallelFor(args.positions.dim(0), [&](int64_t t, int32_t) {
    for (int64_t i = 0; i < args.inverse_frequencies.dim(0); ++i) {
      const double angle = static_cast<double>(args.positions(t)) * args.inverse_frequencies(i);
      args.cosines(t, i) = static_cast<float>(magnitude * std::cos(angle));
      args.sines(t, i) = static_cast<float>(magnitude * std::sin(angle));
    }
  });
  return absl::OkStatus();
}

}  // namespace oriel
