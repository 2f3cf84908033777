#include "kernels/cpu/cpu_backend.h"

#include <sched.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "kernels/cpu/cpu_matrix.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/instruction_set.h"
#include "kernels/cpu/thread_pool.h"

namespace oriel {
namespace {

// Every op has finished when it returns, so a stream has nothing to wait for.
class CpuStream : public Stream {
 public:
  absl::Status Synchronize() override { return absl::OkStatus(); }
};

class CpuBackend : public Backend {
 public:
  CpuBackend(std::unique_ptr<InstructionSetHold> instruction_set, int32_t threads)
      : instruction_set_(std::move(instruction_set)), pool_(threads) {}

  std::string_view name() const override { return "cpu"; }
  std::string_view instruction_set() const override { return DispatchedInstructionSet(); }
  int32_t threads() const override { return pool_.threads(); }

  absl::StatusOr<Buffer> MakeBuffer(size_t size_bytes) override {
    return MakeHostBuffer(size_bytes);
  }
  absl::StatusOr<std::unique_ptr<Matrix>> MakeMatrix(const MatrixSource& source) override {
    return MakeCpuMatrix(source, weights_arena_, pool_);
  }
  std::unique_ptr<Stream> MakeStream() override { return std::make_unique<CpuStream>(); }

  absl::Status Embedding(const EmbeddingArgs& args, Stream&) override {
    return CpuEmbedding(args, pool_);
  }
  absl::Status RmsNorm(const RmsNormArgs& args, Stream&) override {
    return CpuRmsNorm(args, pool_);
  }
  absl::Status MatMul(const MatMulArgs& args, Stream&) override { return CpuMatMul(args, pool_); }
  absl::Status RopeAngles(const RopeAnglesArgs& args, Stream&) override {
    return CpuRopeAngles(args, pool_);
  }
  absl::Status KvAppend(const KvAppendArgs& args, Stream&) override {
    return CpuKvAppend(args, pool_);
  }
  absl::Status KvSeal(const KvSealArgs& args, Stream&) override { return CpuKvSeal(args, pool_); }
  absl::Status AttentionDecode(const AttentionDecodeArgs& args, Stream&) override {
    return CpuAttentionDecode(args, pool_);
  }
  absl::Status AttentionPrefill(const AttentionPrefillArgs& args, Stream&) override {
    return CpuAttentionPrefill(args, pool_);
  }
  absl::Status Swiglu(const SwigluArgs& args, Stream&) override { return CpuSwiglu(args, pool_); }
  absl::Status Sample(const SampleArgs& args, Stream&) override { return CpuSample(args, pool_); }

 private:
  std::unique_ptr<InstructionSetHold> instruction_set_;
  ThreadPool pool_;
  HugePageArena weights_arena_;
};

// Cores that this process may run on: a container's CPU set counts, not the machine.
int32_t UsableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int32_t>(std::thread::hardware_concurrency()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeCpuBackend(const CpuBackendOptions& options) {
  if (options.threads < 0 || options.threads > ThreadPool::kThreadsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads is ", options.threads, ", expected 0 to ", ThreadPool::kThreadsMax));
  }
  const int32_t threads =
      options.threads > 0 ? options.threads : std::min(UsableCores(), ThreadPool::kThreadsMax);
  ORIEL_ASSIGN_OR_RETURN(std::unique_ptr<InstructionSetHold> instruction_set,
                         InstructionSetHold::Make(options.instruction_set));
  return std::make_unique<CpuBackend>(std::move(instruction_set), threads);
}

}  // namespace oriel
