#include "kernels/cpu/attention_plain.h"
#include "kernels/cpu/cpu_ops.h"

namespace oriel {

absl::Status CpuAttentionPrefill(const AttentionPrefillArgs& args, ThreadPool& pool) {
  return AttendPlain(args, pool, StepKind::kPrefill);
}

}  // namespace oriel
