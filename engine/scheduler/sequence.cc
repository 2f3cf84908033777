#include "engine/scheduler/sequence.h"

#include <algorithm>
#include <utility>

#include "kernels/core/check.h"

namespace oriel {
namespace {

bool Contains(const std::vector<TokenId>& tokens, TokenId token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

}  // namespace

int32_t MaxCachedTokens(const GenerationRequest& request) {
  return static_cast<int32_t>(request.prompt.size()) + std::max(request.max_tokens - 1, 0);
}

Sequence::Sequence(QueuedRequest queued, PageTable table)
    : queued_(std::move(queued)), table_(std::move(table)), adjustments_(queued_.request) {
  generated_.reserve(static_cast<size_t>(request().max_tokens));
  times_.submitted = queued_.submitted;
}

TokenId Sequence::TokenAt(int32_t position) const {
  ORIEL_CHECK(position >= 0 && position < num_tokens());
  if (position < num_prompt_tokens()) return request().prompt[static_cast<size_t>(position)];
  return generated_[static_cast<size_t>(position - num_prompt_tokens())];
}

void Sequence::Accept(TokenEvent event) {
  ORIEL_CHECK(!is_finished());
  const TokenId token = event.token;
  const bool is_end = !request().ignore_eos && Contains(request().end_token_ids, token);
  generated_.push_back(token);
  adjustments_.AddGenerated(token);
  if (is_end) return Finish(FinishReason::kStop, token);
  stream().Push(std::move(event));
  if (Contains(request().stop_token_ids, token)) return Finish(FinishReason::kStop, token);
  if (num_generated() >= request().max_tokens) Finish(FinishReason::kLength);
}

void Sequence::Finish(FinishReason reason, TokenId stop_token, absl::Status status) {
  if (is_finished()) return;
  finish_reason_ = reason;
  stream().Push(FinishedEvent(reason, stop_token, std::move(status)));
}

TokenEvent FinishedEvent(FinishReason reason, TokenId stop_token, absl::Status status) {
  TokenEvent event;
  event.kind = TokenEvent::Kind::kFinished;
  event.finish_reason = reason;
  event.stop_token = stop_token;
  event.status = std::move(status);
  return event;
}

}  // namespace oriel
