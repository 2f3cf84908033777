#include "engine/evaluation/forced_sequence.h"

#include <utility>

#include "engine/kv_cache/kv_cache_plan.h"
#include "engine/kv_cache/window_pages.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {

absl::StatusOr<std::unique_ptr<ForcedSequence>> ForcedSequence::Make(
    Backend& backend, std::vector<KvLayerFormat> formats, const EngineConfig& config,
    std::vector<TokenId> tokens) {
  const int32_t num_tokens = static_cast<int32_t>(tokens.size());
  const KvStorageShape shape{
      .num_pages = PackedPagesFor(num_tokens, config.window_tokens),
      .num_window_pages = WindowPagesPerSequence(config.window_tokens) +
                          SharedWindowPages(config.prefill_chunk_tokens, config.window_tokens, 1),
      .num_sequence_slots = 1,
      .sink_tokens = config.sink_tokens,
      .scratch_rows = config.prefill_chunk_tokens};
  const KvCacheCounts counts = CountsOf(config, shape);
  ORIEL_ASSIGN_OR_RETURN(KvStorage storage, KvStorage::Make(backend, std::move(formats), shape));
  ORIEL_ASSIGN_OR_RETURN(BatchStager stager, BatchStager::Make(backend, counts));
  std::unique_ptr<ForcedSequence> forced(
      new ForcedSequence(std::move(storage), counts, std::move(stager), backend.MakeStream()));
  PageTable table;
  ORIEL_CHECK(forced->cache_.TryAdmit(num_tokens, table));
  QueuedRequest queued;
  queued.request.prompt = std::move(tokens);
  queued.stream = std::make_shared<TokenStream>();
  forced->sequence_ = std::make_unique<Sequence>(std::move(queued), std::move(table));
  return forced;
}

absl::Status ForcedSequence::Feed(Model& model, RowKind kind, int32_t count) {
  ORIEL_CHECK(count >= 1 && num_fed() + count <= num_tokens());
  ORIEL_CHECK(kind == RowKind::kPrompt || count == 1);
  const bool is_prompt = kind == RowKind::kPrompt;
  BatchPlan plan;
  plan.step = ++step_;
  plan.num_tokens = count;
  plan.num_prompt_rows = is_prompt ? 1 : 0;
  plan.num_prompt_tokens = is_prompt ? count : 0;
  KvView view = cache_.Extend(sequence_->table(), count, is_prompt ? 0 : -1, plan.step, plan.pages);
  plan.rows.push_back({.sequence = sequence_.get(), .kind = kind, .view = view});
  ORIEL_RETURN_IF_ERROR(model.Forward(stager_.Stage(plan), storage_, *stream_));
  ORIEL_RETURN_IF_ERROR(stream_->Synchronize());
  cache_.FinishStep(plan.step);
  cache_.CheckLedgers();
  return absl::OkStatus();
}

int64_t ForcedSequence::packed_bytes() const {
  return cache_.page_ledger().owned * storage_.page_bytes();
}

int64_t ForcedSequence::fp16_bytes() const {
  return cache_.window_page_ledger().owned * storage_.window_page_bytes() +
         storage_.sink_slot_bytes();
}

}  // namespace oriel
