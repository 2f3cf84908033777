#include "engine/runtime/publisher.h"

#include <limits>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/scheduler/sequence.h"

namespace oriel {
namespace {

bool WantsPromptLogprobs(const Sequence& sequence) {
  return sequence.request().sampling.num_top_prompt_logprobs >= 0;
}

// Nothing comes before a prompt's first token, so nothing gives it a probability.
void PublishFirstPromptToken(Sequence& sequence) {
  TokenEvent event;
  event.kind = TokenEvent::Kind::kPromptToken;
  event.token = sequence.TokenAt(0);
  event.logprob = std::numeric_limits<float>::quiet_NaN();
  sequence.stream().Push(std::move(event));
}

void PublishRow(const SampledRow& row, std::span<const TokenLogprob> top) {
  Sequence& sequence = *row.sequence;
  if (sequence.is_finished()) return;
  if (row.sampled.token < 0) {
    return sequence.Finish(
        FinishReason::kError, kNoToken,
        absl::InternalError(absl::StrCat("the model's logits for position ", row.position,
                                         " are not numbers, or every token is forbidden")));
  }
  TokenEvent event;
  event.kind = row.is_prompt_token ? TokenEvent::Kind::kPromptToken : TokenEvent::Kind::kToken;
  event.token = row.sampled.token;
  event.logprob = row.sampled.logprob;
  event.top_logprobs.assign(top.begin(), top.end());
  if (row.is_prompt_token) return sequence.stream().Push(std::move(event));
  sequence.Accept(std::move(event));
}

}  // namespace

void Publish(const BatchPlan& plan, const SampledTokens& tokens) {
  for (const BatchRow& row : plan.rows) {
    if (row.kind != RowKind::kPrompt || row.view.first_position > 0) continue;
    if (WantsPromptLogprobs(*row.sequence)) PublishFirstPromptToken(*row.sequence);
  }
  for (const SampledRow& row : tokens.rows) PublishRow(row, tokens.TopOf(row));
  for (const BatchRow& row : plan.rows) {
    const bool only_prompt = row.sequence->request().max_tokens == 0;
    if (only_prompt && !row.sequence->in_prompt()) row.sequence->Finish(FinishReason::kLength);
  }
}

}  // namespace oriel
