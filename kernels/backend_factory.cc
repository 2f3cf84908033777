#include "kernels/backend_factory.h"

#include "kernels/cpu/cpu_backend.h"
#include "kernels/reference/reference_backend.h"

namespace oriel {

absl::StatusOr<std::unique_ptr<Backend>> MakeBackend(const BackendOptions& options) {
  switch (options.kind) {
    case BackendKind::kCpu:
      return MakeCpuBackend({.threads = options.threads,
                             .instruction_set = options.instruction_set,
                             .pin_threads = options.pin_threads});
    case BackendKind::kReference:
      return MakeReferenceBackend();
  }
  return absl::InvalidArgumentError("unknown back end");
}

}  // namespace oriel
