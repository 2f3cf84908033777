#include "kernels/cpu/cpu_backend.h"

#include <pthread.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "kernels/cpu/cpu_cores.h"
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
  std::span<const int32_t> pinned_cores() const override { return pinned_cores_; }

  // `cores`: one for every thread, the caller's first.
  absl::Status PinThreads(std::vector<int32_t> cores) {
    ORIEL_RETURN_IF_ERROR(pool_.PinWorkers(cores));
    pinned_cores_ = std::move(cores);
    return absl::OkStatus();
  }
  absl::Status AdoptThread() override {
    return pinned_cores_.empty() ? absl::OkStatus()
                                 : PinThread(pthread_self(), pinned_cores_.front());
  }

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
  std::vector<int32_t> pinned_cores_;  // one a thread, the caller's first; empty: not pinned
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeCpuBackend(const CpuBackendOptions& options) {
  if (options.threads < 0 || options.threads > ThreadPool::kThreadsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads is ", options.threads, ", expected 0 to ", ThreadPool::kThreadsMax));
  }
  std::vector<int32_t> cores = UsableCores();
  const int32_t num_cores = static_cast<int32_t>(cores.size());
  const int32_t threads =
      options.threads > 0 ? options.threads : std::min(num_cores, ThreadPool::kThreadsMax);
  if (options.pin_threads && threads > num_cores) {
    return absl::InvalidArgumentError(absl::StrCat(
        "threads is ", threads, " with pin_threads, this process may use ", num_cores, " cores"));
  }
  ORIEL_ASSIGN_OR_RETURN(std::unique_ptr<InstructionSetHold> instruction_set,
                         InstructionSetHold::Make(options.instruction_set));
  auto backend = std::make_unique<CpuBackend>(std::move(instruction_set), threads);
  if (options.pin_threads) {
    cores.resize(static_cast<size_t>(threads));
    ORIEL_RETURN_IF_ERROR(backend->PinThreads(std::move(cores)));
  }
  return backend;
}

}  // namespace oriel
