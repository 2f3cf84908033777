#ifndef ORIEL_ENGINE_BENCHMARK_PROCESS_MEMORY_H_
#define ORIEL_ENGINE_BENCHMARK_PROCESS_MEMORY_H_

#include <cstdint>

#include "absl/status/statusor.h"

namespace oriel {

// What the kernel says that this process holds in memory.
struct ProcessMemory {
  int64_t resident_bytes = 0;       // VmRSS
  int64_t peak_resident_bytes = 0;  // VmHWM, since the process started
  int64_t anonymous_bytes = 0;      // RssAnon: heap, stacks and pools
  int64_t file_bytes = 0;           // RssFile: of mapped files, the model file among them
};

// Unavailable if the kernel does not say.
absl::StatusOr<ProcessMemory> ReadProcessMemory();

}  // namespace oriel

#endif  // ORIEL_ENGINE_BENCHMARK_PROCESS_MEMORY_H_
