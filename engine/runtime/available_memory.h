#ifndef ORIEL_ENGINE_RUNTIME_AVAILABLE_MEMORY_H_
#define ORIEL_ENGINE_RUNTIME_AVAILABLE_MEMORY_H_

#include <cstdint>

#include "absl/status/statusor.h"

namespace oriel {

// Host memory that this process can still take without swapping: what the kernel calls available,
// or what is left of the control group's limit if that is less. Errors: Unavailable if the kernel
// does not say.
absl::StatusOr<int64_t> AvailableMemoryBytes();

}  // namespace oriel

#endif  // ORIEL_ENGINE_RUNTIME_AVAILABLE_MEMORY_H_
