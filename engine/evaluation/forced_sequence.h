#ifndef ORIEL_ENGINE_EVALUATION_FORCED_SEQUENCE_H_
#define ORIEL_ENGINE_EVALUATION_FORCED_SEQUENCE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/engine_config.h"
#include "engine/kv_cache/kv_cache.h"
#include "engine/kv_cache/kv_storage.h"
#include "engine/model/model.h"
#include "engine/runtime/batch_stager.h"
#include "engine/scheduler/batch_plan.h"
#include "kernels/ops/backend.h"

namespace oriel {

// One sequence whose tokens are all known, with a cache of its own: teacher forcing through the
// same pools, stager and kernels that serve.
//
// Lifecycle   made for a text; `backend` and the models outlive it.
// Threads     one.
class ForcedSequence {
 public:
  // `formats`: one a layer. `config` says window, sinks and prefill_chunk_tokens.
  // ResourceExhausted: the cache of tokens.size() tokens does not fit.
  static absl::StatusOr<std::unique_ptr<ForcedSequence>> Make(Backend& backend,
                                                              std::vector<KvLayerFormat> formats,
                                                              const EngineConfig& config,
                                                              std::vector<TokenId> tokens);

  int32_t num_tokens() const { return sequence_->num_prompt_tokens(); }
  int32_t num_fed() const { return sequence_->num_cached(); }

  // Runs the model on the next `count` tokens: as one prompt chunk (1 … prefill_chunk_tokens), or
  // as one decode row (count 1). The model then holds their hidden states.
  absl::Status Feed(Model& model, RowKind kind, int32_t count);

  // Bytes that the sequence holds now: its packed pages, and its window pages and sinks.
  int64_t packed_bytes() const;
  int64_t fp16_bytes() const;

 private:
  ForcedSequence(KvStorage storage, const KvCacheCounts& counts, BatchStager stager,
                 std::unique_ptr<Stream> stream)
      : storage_(std::move(storage)),
        cache_(counts),
        stager_(std::move(stager)),
        stream_(std::move(stream)) {}

  KvStorage storage_;
  KvCache cache_;
  BatchStager stager_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Sequence> sequence_;
  uint64_t step_ = 0;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_EVALUATION_FORCED_SEQUENCE_H_
