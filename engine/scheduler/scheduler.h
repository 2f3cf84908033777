#ifndef ORIEL_ENGINE_SCHEDULER_SCHEDULER_H_
#define ORIEL_ENGINE_SCHEDULER_SCHEDULER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "engine/base/engine_config.h"
#include "engine/kv_cache/kv_cache.h"
#include "engine/scheduler/batch_plan.h"
#include "engine/scheduler/request_queue.h"
#include "engine/scheduler/sequence.h"

namespace oriel {

// How requests have ended since start.
struct EndCounts {
  uint64_t finished = 0;  // stop or length
  uint64_t canceled = 0;
  uint64_t expired = 0;
  uint64_t failed = 0;
};

// Tokens that running sequences hold in the cache, by where they are read. Sinks are counted
// beside: the page or window that they stand in has rows for them too.
struct HeldTokens {
  int64_t packed = 0;
  int64_t window = 0;
  int64_t sink = 0;
};

// Decides what each step does. The order of a step: EndUnwanted → Admit → PlanStep → (the model
// runs, sequences accept tokens) → FinishStep.
//
//   Admission  the head of the queue, while its worst case can be reserved: nothing that runs is
//              ever preempted, and nobody overtakes the head.
//   Step       one token of every sequence that decodes, and up to prefill_chunk_tokens prompt
//              tokens, shared out in order of admission. So a long prompt never stops an answer.
//
// Threads     the engine thread; it shares nothing but the queue.
// Invariant   the ledgers hold after FinishStep.
class Scheduler {
 public:
  // Both outlive the scheduler.
  Scheduler(const EngineConfig& config, RequestQueue& queue, KvCache& cache);

  // Ends canceled requests and those whose deadline has passed, running or waiting. Returns whether
  // any ended.
  bool EndUnwanted(absl::Time now);

  // Makes sequences of the requests that can run now.
  void Admit();

  // The next step's rows, with their pages taken. Valid until the next call; empty if no sequence
  // runs.
  const BatchPlan& PlanStep();

  // The planned step has finished on the device: releases what finished sequences hold and checks
  // the ledgers.
  void FinishStep();

  // Ends every request, running or waiting: the engine stops.
  void EndAll(FinishReason reason, const absl::Status& status);

  const std::vector<std::unique_ptr<Sequence>>& running() const { return running_; }
  const EndCounts& end_counts() const { return end_counts_; }
  HeldTokens held_tokens() const;

 private:
  void AddRow(Sequence& sequence, RowKind kind, int32_t num_queries);
  void PlanPromptRows();
  void PlanDecodeRows();
  void EndWaiting(QueuedRequest queued, FinishReason reason, const absl::Status& status);
  void ReleaseFinished();
  void CountEnd(FinishReason reason);

  const int32_t prefill_chunk_tokens_;
  RequestQueue& queue_;
  KvCache& cache_;
  std::vector<std::unique_ptr<Sequence>> running_;  // in order of admission
  BatchPlan plan_;
  EndCounts end_counts_;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_SCHEDULER_SCHEDULER_H_
