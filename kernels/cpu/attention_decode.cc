#include "kernels/cpu/attention_plain.h"
#include "kernels/cpu/cpu_ops.h"

namespace oriel {

absl::Status CpuAttentionDecode(const AttentionDecodeArgs& args, ThreadPool& pool) {
  return AttendPlain(args, pool, StepKind::kDecode);
}

}  // namespace oriel
