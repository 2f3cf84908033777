#ifndef ORIEL_KERNELS_CPU_CPU_BACKEND_H_
#define ORIEL_KERNELS_CPU_CPU_BACKEND_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "kernels/core/instruction_set.h"
#include "kernels/ops/backend.h"

namespace oriel {

struct CpuBackendOptions {
  int32_t threads = 0;  // 0: one a core that this process may use; at most 256
  InstructionSet instruction_set = InstructionSet::kAuto;
  // Each thread stays on a core of its own, the thread that enqueues too (Backend::AdoptThread).
  bool pin_threads = false;
};

// The fast CPU back end. InvalidArgument for a thread count out of range, or more pinned threads
// than usable cores; Unimplemented for an
// instruction set that this processor does not have; FailedPrecondition while a CPU back end with
// another instruction set lives.
absl::StatusOr<std::unique_ptr<Backend>> MakeCpuBackend(const CpuBackendOptions& options);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_CPU_BACKEND_H_
