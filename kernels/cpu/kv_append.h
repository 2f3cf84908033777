#ifndef ORIEL_KERNELS_CPU_KV_APPEND_H_
#define ORIEL_KERNELS_CPU_KV_APPEND_H_

#include <cstddef>
#include <cstdint>

#include "kernels/ops/kv_append.h"

namespace oriel {

// Tokens [first, first + count) of one view.
struct AppendRun {
  const KvView* view = nullptr;
  int32_t first = 0;
  int32_t count = 0;
};

// Rotates, transforms and stores the tokens of a run.
void AppendTokens(const KvAppendArgs& args, const AppendRun& run);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_KV_APPEND_H_
