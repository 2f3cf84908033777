#ifndef ORIEL_KERNELS_BACKEND_FACTORY_H_
#define ORIEL_KERNELS_BACKEND_FACTORY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "kernels/core/instruction_set.h"
#include "kernels/ops/backend.h"

namespace oriel {

enum class BackendKind : uint8_t { kCpu, kReference };

struct BackendOptions {
  BackendKind kind = BackendKind::kCpu;
  // CPU worker threads, the caller's included; 0: one a core that this process may use.
  int32_t threads = 0;
  InstructionSet instruction_set = InstructionSet::kAuto;  // of kCpu
  bool pin_threads = false;                                // of kCpu: each to a core of its own
};

absl::StatusOr<std::unique_ptr<Backend>> MakeBackend(const BackendOptions& options);

}  // namespace oriel

#endif  // ORIEL_KERNELS_BACKEND_FACTORY_H_
