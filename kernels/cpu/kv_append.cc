#include "kernels/cpu/kv_append.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/cpu_ops.h"
#include "kernels/ops/check_kv_args.h"

namespace oriel {
namespace {

constexpr int32_t kRunTokens = 16;

void ListRuns(const KvStepView& step, std::vector<AppendRun>& runs) {
  runs.clear();
  for (int64_t i = 0; i < step.views.dim(0); ++i) {
    const KvView& view = step.views(i);
    for (int32_t first = 0; first < view.num_queries; first += kRunTokens) {
      runs.push_back({&view, first, std::min(kRunTokens, view.num_queries - first)});
    }
  }
}

}  // namespace

absl::Status CpuKvAppend(const KvAppendArgs& args, ThreadPool& pool) {
  ORIEL_RETURN_IF_ERROR(CheckKvAppendArgs(args));
  thread_local std::vector<AppendRun> runs;
  ListRuns(*args.step, runs);
  // The caller's list: the thread-local name would mean another list in each worker.
  const std::vector<AppendRun>& list = runs;
  pool.ParallelFor(static_cast<int64_t>(list.size()), [&](int64_t item, int32_t) {
    AppendTokens(args, list[static_cast<size_t>(item)]);
  });
  return absl::OkStatus();
}

}  // namespace oriel
