#ifndef ORIEL_ENGINE_SCHEDULER_BATCH_PLAN_H_
#define ORIEL_ENGINE_SCHEDULER_BATCH_PLAN_H_

#include <cstdint>
#include <vector>

#include "engine/kv_cache/kv_cache.h"
#include "engine/scheduler/sequence.h"

namespace oriel {

enum class RowKind : uint8_t {
  kPrompt,  // a chunk of the prompt, through the prefill kernels
  kDecode,  // the token that was generated last
};

// What one sequence does in a step.
struct BatchRow {
  Sequence* sequence = nullptr;  // not null; lives until the step is finished
  RowKind kind = RowKind::kDecode;
  KvView view;                 // its tokens, pages and scratch rows in this step
  bool ends_in_token = false;  // its last token yields the next one
};

// One step as plain data: prompt rows first, then decode rows, in order of admission each.
struct BatchPlan {
  uint64_t step = 0;
  int32_t num_tokens = 0;
  int32_t num_prompt_rows = 0;
  int32_t num_prompt_tokens = 0;
  std::vector<BatchRow> rows;
  StepPages pages;  // of all rows

  bool empty() const { return rows.empty(); }
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_SCHEDULER_BATCH_PLAN_H_
