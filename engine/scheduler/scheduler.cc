#include "engine/scheduler/scheduler.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kernels/core/check.h"

namespace oriel {

Scheduler::Scheduler(const EngineConfig& config, RequestQueue& queue, KvCache& cache)
    : prefill_chunk_tokens_(config.prefill_chunk_tokens), queue_(queue), cache_(cache) {
  const size_t num_sequences = static_cast<size_t>(cache.counts().num_sequence_slots);
  running_.reserve(num_sequences);
  plan_.rows.reserve(num_sequences);
  plan_.pages.Reserve(cache.counts());
}

bool Scheduler::EndUnwanted(absl::Time now) {
  const uint64_t ended_before = end_counts_.canceled + end_counts_.expired;
  for (RequestId id : queue_.TakeCanceled()) {
    if (std::optional<QueuedRequest> waiting = queue_.TakeWaiting(id)) {
      EndWaiting(*std::move(waiting), FinishReason::kCanceled, absl::OkStatus());
      continue;
    }
    for (const auto& sequence : running_) {
      if (sequence->request().id == id) sequence->Finish(FinishReason::kCanceled);
    }
  }
  while (std::optional<QueuedRequest> expired = queue_.TakeExpired(now)) {
    EndWaiting(*std::move(expired), FinishReason::kDeadline, absl::OkStatus());
  }
  for (const auto& sequence : running_) {
    if (sequence->request().deadline <= now) sequence->Finish(FinishReason::kDeadline);
  }
  ReleaseFinished();
  return end_counts_.canceled + end_counts_.expired != ended_before;
}

void Scheduler::Admit() {
  while (true) {
    PageTable table;
    std::optional<QueuedRequest> head =
        queue_.TakeHeadIf([this, &table](const GenerationRequest& request) {
          return cache_.TryAdmit(MaxCachedTokens(request), table);
        });
    if (!head.has_value()) return;
    running_.push_back(std::make_unique<Sequence>(*std::move(head), std::move(table)));
  }
}

const BatchPlan& Scheduler::PlanStep() {
  plan_.rows.clear();
  plan_.pages.Clear();
  plan_.num_tokens = 0;
  plan_.num_prompt_rows = 0;
  plan_.num_prompt_tokens = 0;
  if (running_.empty()) return plan_;
  ++plan_.step;
  PlanPromptRows();
  PlanDecodeRows();
  return plan_;
}

void Scheduler::PlanPromptRows() {
  for (const auto& sequence : running_) {
    const int32_t budget = prefill_chunk_tokens_ - plan_.num_prompt_tokens;
    if (budget == 0) return;
    if (!sequence->in_prompt()) continue;
    AddRow(*sequence, RowKind::kPrompt, std::min(budget, sequence->num_prompt_tokens_left()));
  }
}

void Scheduler::PlanDecodeRows() {
  // A prompt row of this step has moved its sequence on, perhaps to the end of the prompt: only
  // sequences with a generated token decode.
  for (const auto& sequence : running_) {
    if (sequence->num_generated() > 0) AddRow(*sequence, RowKind::kDecode, 1);
  }
}

void Scheduler::AddRow(Sequence& sequence, RowKind kind, int32_t num_queries) {
  const bool is_prompt = kind == RowKind::kPrompt;
  BatchRow row;
  row.sequence = &sequence;
  row.kind = kind;
  row.view = cache_.Extend(sequence.table(), num_queries, is_prompt ? plan_.num_prompt_tokens : -1,
                           plan_.step, plan_.pages);
  row.view.first_row = plan_.num_tokens;
  row.ends_in_token = !sequence.in_prompt() && sequence.request().max_tokens > 0;
  plan_.num_tokens += num_queries;
  if (is_prompt) {
    ++plan_.num_prompt_rows;
    plan_.num_prompt_tokens += num_queries;
  }
  plan_.rows.push_back(row);
}

void Scheduler::FinishStep() {
  if (!plan_.empty()) cache_.FinishStep(plan_.step);
  ReleaseFinished();
  cache_.CheckLedgers();
}

void Scheduler::EndAll(FinishReason reason, const absl::Status& status) {
  while (std::optional<QueuedRequest> head = queue_.TakeHead()) {
    EndWaiting(*std::move(head), reason, status);
  }
  for (const auto& sequence : running_) sequence->Finish(reason, kNoToken, status);
  ReleaseFinished();
}

HeldTokens Scheduler::held_tokens() const {
  HeldTokens held;
  for (const auto& sequence : running_) {
    const PageTable& table = std::as_const(*sequence).table();
    const int64_t packed = kPageTokens * static_cast<int64_t>(table.packed_pages.size());
    held.packed += packed;
    held.window += table.num_tokens - packed;
    held.sink += std::min(table.num_tokens, cache_.counts().sink_tokens);
  }
  return held;
}

void Scheduler::EndWaiting(QueuedRequest queued, FinishReason reason, const absl::Status& status) {
  queued.stream->Push(FinishedEvent(reason, kNoToken, status));
  CountEnd(reason);
  queue_.Forget(queued.request.id);
}

void Scheduler::ReleaseFinished() {
  for (const auto& sequence : running_) {
    if (!sequence->is_finished()) continue;
    cache_.Release(sequence->table(), plan_.step);
    CountEnd(sequence->finish_reason());
    queue_.Forget(sequence->request().id);
  }
  std::erase_if(running_, [](const auto& sequence) { return sequence->is_finished(); });
}

void Scheduler::CountEnd(FinishReason reason) {
  switch (reason) {
    case FinishReason::kNone:
      ORIEL_CHECK(false);
      return;
    case FinishReason::kStop:
    case FinishReason::kLength:
      ++end_counts_.finished;
      return;
    case FinishReason::kCanceled:
      ++end_counts_.canceled;
      return;
    case FinishReason::kDeadline:
      ++end_counts_.expired;
      return;
    case FinishReason::kError:
      ++end_counts_.failed;
      return;
  }
}

}  // namespace oriel
