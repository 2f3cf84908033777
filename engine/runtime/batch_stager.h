#ifndef ORIEL_ENGINE_RUNTIME_BATCH_STAGER_H_
#define ORIEL_ENGINE_RUNTIME_BATCH_STAGER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "engine/kv_cache/kv_cache.h"
#include "engine/model/batch_inputs.h"
#include "engine/scheduler/batch_plan.h"
#include "kernels/core/buffer.h"
#include "kernels/ops/backend.h"

namespace oriel {

// Lays a plan out as the arrays that ops read, in memory that was allocated at start.
//
// Lifecycle   made once before serving.
// Threads     the engine thread. Stage overwrites the arrays of the step before, which must have
//             finished.
// Limits      the arrays hold any plan that a cache of these counts can give; a larger one is a
//             bug of ours.
class BatchStager {
 public:
  static absl::StatusOr<BatchStager> Make(Backend& backend, const KvCacheCounts& counts);

  // The inputs point into this stager and hold until the next call.
  BatchInputs Stage(const BatchPlan& plan);

 private:
  explicit BatchStager(const KvCacheCounts& counts) : counts_(counts) {}

  void StageTokens(const BatchPlan& plan);

  KvCacheCounts counts_;
  Buffer tokens_;        // [prefill_chunk_tokens + num_sequence_slots]
  Buffer positions_;     // as tokens_
  Buffer views_;         // [num_sequence_slots]
  Buffer packed_pages_;  // [num_pages]
  Buffer window_pages_;
  Buffer seals_;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_RUNTIME_BATCH_STAGER_H_
