#include "engine/scheduler/logit_adjustments.h"

#include <algorithm>
#include <limits>

namespace oriel {

LogitAdjustments::LogitAdjustments(const GenerationRequest& request)
    : presence_penalty_(request.sampling.presence_penalty),
      frequency_penalty_(request.sampling.frequency_penalty),
      repetition_penalty_(request.sampling.repetition_penalty),
      suppressed_for_(request.min_tokens) {
  for (const auto& [token, bias] : request.sampling.logit_bias) {
    parts_[IndexOf(token)].bias += bias;
  }
  if (repetition_penalty_ != 1.0f) {
    for (TokenId token : request.prompt) parts_[IndexOf(token)].in_text = true;
  }
  if (suppressed_for_ > 0) {
    if (!request.ignore_eos) Suppress(request.end_token_ids);
    Suppress(request.stop_token_ids);
  }
  for (size_t i = 0; i < entries_.size(); ++i) Refresh(i);
}

void LogitAdjustments::AddGenerated(TokenId token) {
  if (suppressed_for_ > 0 && --suppressed_for_ == 0) LiftSuppression();
  if (presence_penalty_ == 0.0f && frequency_penalty_ == 0.0f && repetition_penalty_ == 1.0f) {
    return;
  }
  const size_t index = IndexOf(token);
  parts_[index].in_text = true;
  ++parts_[index].num_generated;
  Refresh(index);
}

size_t LogitAdjustments::IndexOf(TokenId token) {
  const auto [found, is_new] = index_of_token_.try_emplace(token, entries_.size());
  if (is_new) {
    entries_.push_back({.token = token});
    parts_.emplace_back();
  }
  return found->second;
}

void LogitAdjustments::Refresh(size_t index) {
  const Parts& parts = parts_[index];
  LogitAdjustment& entry = entries_[index];
  entry.repetition = parts.in_text ? repetition_penalty_ : 1.0f;
  entry.offset = parts.bias - frequency_penalty_ * static_cast<float>(parts.num_generated);
  if (parts.num_generated > 0) entry.offset -= presence_penalty_;
  if (parts.suppressed) entry.offset = -std::numeric_limits<float>::infinity();
}

void LogitAdjustments::Suppress(std::span<const TokenId> tokens) {
  for (TokenId token : tokens) parts_[IndexOf(token)].suppressed = true;
}

void LogitAdjustments::LiftSuppression() {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!parts_[i].suppressed) continue;
    parts_[i].suppressed = false;
    Refresh(i);
  }
}

int32_t MaxLogitAdjustments(const EngineConfig& config, int32_t vocab_size) {
  const int64_t entries = int64_t{config.max_model_len} + config.logit_bias_max +
                          config.stop_token_ids_max + kEndTokenIdsMax;
  return static_cast<int32_t>(std::min<int64_t>(entries, vocab_size));
}

}  // namespace oriel
