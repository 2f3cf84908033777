#include "engine/runtime/batch_stager.h"

#include <algorithm>
#include <vector>

#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

template <typename T>
absl::StatusOr<Buffer> MakeArray(Backend& backend, int64_t count) {
  return backend.MakeBuffer(static_cast<size_t>(count) * sizeof(T));
}

template <typename T>
TensorView<const T, 1> CopyInto(const Buffer& array, const std::vector<T>& values) {
  ORIEL_CHECK(values.size() * sizeof(T) <= array.size_bytes());
  std::copy(values.begin(), values.end(), array.as<T>());
  return {array.as<T>(), {static_cast<int64_t>(values.size())}};
}

int64_t StepTokensMax(const KvCacheCounts& counts) {
  return int64_t{counts.prefill_chunk_tokens} + counts.num_sequence_slots;
}

}  // namespace

absl::StatusOr<BatchStager> BatchStager::Make(Backend& backend, const KvCacheCounts& counts) {
  BatchStager stager(counts);
  const int64_t tokens = StepTokensMax(counts);
  ORIEL_ASSIGN_OR_RETURN(stager.tokens_, MakeArray<int32_t>(backend, tokens));
  ORIEL_ASSIGN_OR_RETURN(stager.positions_, MakeArray<int32_t>(backend, tokens));
  ORIEL_ASSIGN_OR_RETURN(stager.views_, MakeArray<KvView>(backend, counts.num_sequence_slots));
  ORIEL_ASSIGN_OR_RETURN(stager.packed_pages_, MakeArray<PageId>(backend, counts.num_pages));
  ORIEL_ASSIGN_OR_RETURN(stager.window_pages_,
                         MakeArray<WindowPageId>(backend, StepWindowPagesMax(counts)));
  ORIEL_ASSIGN_OR_RETURN(stager.seals_, MakeArray<KvSealItem>(backend, StepSealsMax(counts)));
  return stager;
}

BatchInputs BatchStager::Stage(const BatchPlan& plan) {
  StageTokens(plan);
  const int64_t num_rows = static_cast<int64_t>(plan.rows.size());
  ORIEL_CHECK(num_rows <= counts_.num_sequence_slots);
  KvView* views = views_.as<KvView>();
  for (int64_t i = 0; i < num_rows; ++i) views[i] = plan.rows[static_cast<size_t>(i)].view;

  BatchInputs inputs;
  inputs.tokens = {tokens_.as<int32_t>(), {plan.num_tokens}};
  inputs.positions = {positions_.as<int32_t>(), {plan.num_tokens}};
  inputs.all = {.views = {views, {num_rows}},
                .packed_pages = CopyInto(packed_pages_, plan.pages.packed_pages),
                .window_pages = CopyInto(window_pages_, plan.pages.window_pages),
                .window_tokens = counts_.window_tokens,
                .sink_tokens = counts_.sink_tokens};
  inputs.prompt = inputs.all;
  inputs.prompt.views = {views, {plan.num_prompt_rows}};
  inputs.decode = inputs.all;
  inputs.decode.views = {views + plan.num_prompt_rows, {num_rows - plan.num_prompt_rows}};
  inputs.seals = CopyInto(seals_, plan.pages.seals);
  return inputs;
}

void BatchStager::StageTokens(const BatchPlan& plan) {
  ORIEL_CHECK(plan.num_tokens <= StepTokensMax(counts_));
  int32_t* tokens = tokens_.as<int32_t>();
  int32_t* positions = positions_.as<int32_t>();
  for (const BatchRow& row : plan.rows) {
    for (int32_t i = 0; i < row.view.num_queries; ++i) {
      const int32_t position = row.view.first_position + i;
      tokens[row.view.first_row + i] = row.sequence->TokenAt(position);
      positions[row.view.first_row + i] = position;
    }
  }
}

}  // namespace oriel
