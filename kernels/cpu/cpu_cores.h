#ifndef ORIEL_KERNELS_CPU_CPU_CORES_H_
#define ORIEL_KERNELS_CPU_CPU_CORES_H_

#include <pthread.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace oriel {

// The logical cores that the calling thread may run on: a container's CPU set counts, not the
// machine. The first of every physical core come before their siblings, so that the first n of the
// list compute as fast as n can. Never empty.
std::vector<int32_t> UsableCores();

// `cores`, the first of those with the same `siblings` before all others of them; in the order
// given else. A core whose siblings are "" has none.
std::vector<int32_t> OnePerPhysicalCoreFirst(const std::vector<int32_t>& cores,
                                             absl::FunctionRef<std::string(int32_t core)> siblings);

// From now on `thread` runs on this logical core alone. FailedPrecondition: the process may not
// use it (any more).
absl::Status PinThread(pthread_t thread, int32_t core);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_CPU_CORES_H_
