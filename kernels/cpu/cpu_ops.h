#ifndef ORIEL_KERNELS_CPU_CPU_OPS_H_
#define ORIEL_KERNELS_CPU_CPU_OPS_H_

#include "absl/status/status.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/ops/backend.h"

namespace oriel {

// The ops on the CPU: instruction sets chosen at run time, work shared by `pool`. Specification:
// kernels/ops/.
absl::Status CpuEmbedding(const EmbeddingArgs& args, ThreadPool& pool);
absl::Status CpuRmsNorm(const RmsNormArgs& args, ThreadPool& pool);
absl::Status CpuMatMul(const MatMulArgs& args, ThreadPool& pool);
absl::Status CpuRopeAngles(const RopeAnglesArgs& args, ThreadPool& pool);
absl::Status CpuKvAppend(const KvAppendArgs& args, ThreadPool& pool);
absl::Status CpuKvSeal(const KvSealArgs& args, ThreadPool& pool);
absl::Status CpuAttentionDecode(const AttentionDecodeArgs& args, ThreadPool& pool);
absl::Status CpuAttentionPrefill(const AttentionPrefillArgs& args, ThreadPool& pool);
absl::Status CpuSwiglu(const SwigluArgs& args, ThreadPool& pool);
absl::Status CpuSample(const SampleArgs& args, ThreadPool& pool);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_CPU_OPS_H_
