#include "engine/request/generation_request.h"

#include <span>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

absl::Status OutsideLimits(const char* field, double value, const char* limits) {
  return absl::InvalidArgumentError(absl::StrCat(field, " is ", value, ", it must be in ", limits));
}

absl::Status CheckCount(const char* field, int64_t count, int64_t least, int64_t most) {
  if (count >= least && count <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, " is ", count, ", it must be ", least, " to ", most));
}

absl::Status CheckTokens(const char* field, std::span<const TokenId> tokens, int32_t vocab_size) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= 0 && tokens[i] < vocab_size) continue;
    return absl::InvalidArgumentError(absl::StrCat(field, "[", i, "] is ", tokens[i],
                                                   ", the vocabulary has ", vocab_size, " tokens"));
  }
  return absl::OkStatus();
}

// Each comparison is false for NaN, so NaN is refused too.
absl::Status CheckNumbers(const SamplingParams& sampling) {
  const auto within = [](float value, float least, float most) {
    return value >= least && value <= most;
  };
  if (!within(sampling.temperature, 0.0f, 100.0f)) {
    return OutsideLimits("temperature", sampling.temperature, "[0, 100]");
  }
  if (sampling.top_k < 0) return OutsideLimits("top_k", sampling.top_k, "[0, vocabulary]");
  if (!within(sampling.top_p, 0.0f, 1.0f) || sampling.top_p == 0.0f) {
    return OutsideLimits("top_p", sampling.top_p, "(0, 1]");
  }
  if (!within(sampling.min_p, 0.0f, 1.0f)) return OutsideLimits("min_p", sampling.min_p, "[0, 1]");
  if (!within(sampling.presence_penalty, -2.0f, 2.0f)) {
    return OutsideLimits("presence_penalty", sampling.presence_penalty, "[-2, 2]");
  }
  if (!within(sampling.frequency_penalty, -2.0f, 2.0f)) {
    return OutsideLimits("frequency_penalty", sampling.frequency_penalty, "[-2, 2]");
  }
  if (!within(sampling.repetition_penalty, 0.0f, 100.0f) || sampling.repetition_penalty == 0.0f) {
    return OutsideLimits("repetition_penalty", sampling.repetition_penalty, "(0, 100]");
  }
  return absl::OkStatus();
}

absl::Status CheckLogitBias(const SamplingParams& sampling, const EngineConfig& config,
                            int32_t vocab_size) {
  ORIEL_RETURN_IF_ERROR(CheckCount("number of logit_bias entries",
                                   static_cast<int64_t>(sampling.logit_bias.size()), 0,
                                   config.logit_bias_max));
  for (const auto& [token, bias] : sampling.logit_bias) {
    ORIEL_RETURN_IF_ERROR(CheckTokens("logit_bias token", {&token, 1}, vocab_size));
    if (!(bias >= -100.0f && bias <= 100.0f)) {
      return OutsideLimits("logit_bias", bias, "[-100, 100]");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSampling(const SamplingParams& sampling, const EngineConfig& config,
                           int32_t vocab_size) {
  ORIEL_RETURN_IF_ERROR(CheckNumbers(sampling));
  ORIEL_RETURN_IF_ERROR(CheckLogitBias(sampling, config, vocab_size));
  ORIEL_RETURN_IF_ERROR(
      CheckCount("num_top_logprobs", sampling.num_top_logprobs, -1, config.top_logprobs_max));
  return CheckCount("num_top_prompt_logprobs", sampling.num_top_prompt_logprobs, -1,
                    config.top_logprobs_max);
}

absl::Status CheckStops(const GenerationRequest& request, const EngineConfig& config,
                        int32_t vocab_size) {
  ORIEL_RETURN_IF_ERROR(CheckCount("number of stop_token_ids",
                                   static_cast<int64_t>(request.stop_token_ids.size()), 0,
                                   config.stop_token_ids_max));
  ORIEL_RETURN_IF_ERROR(CheckCount("number of end_token_ids",
                                   static_cast<int64_t>(request.end_token_ids.size()), 0,
                                   kEndTokenIdsMax));
  ORIEL_RETURN_IF_ERROR(CheckTokens("stop_token_ids", request.stop_token_ids, vocab_size));
  return CheckTokens("end_token_ids", request.end_token_ids, vocab_size);
}

// Compares in 64 bits: both numbers come from outside.
absl::Status CheckLength(const GenerationRequest& request, const EngineConfig& config) {
  const int64_t prompt = static_cast<int64_t>(request.prompt.size());
  const int64_t total = prompt + request.max_tokens;
  if (total <= config.max_model_len) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("prompt of ", prompt, " tokens and max_tokens ",
                                            request.max_tokens, " make ", total,
                                            ", the model's context is ", config.max_model_len));
}

}  // namespace

absl::Status ValidateGenerationRequest(const GenerationRequest& request, const EngineConfig& config,
                                       int32_t vocab_size) {
  if (request.prompt.empty()) {
    return absl::InvalidArgumentError("prompt has 0 tokens, the least is 1");
  }
  const int32_t max_tokens_least = request.sampling.num_top_prompt_logprobs >= 0 ? 0 : 1;
  if (request.max_tokens < max_tokens_least) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_tokens is ", request.max_tokens, ", the least is ", max_tokens_least));
  }
  if (request.min_tokens < 0 || request.min_tokens > request.max_tokens) {
    return absl::InvalidArgumentError(absl::StrCat(
        "min_tokens is ", request.min_tokens, ", it must be 0 to max_tokens ", request.max_tokens));
  }
  ORIEL_RETURN_IF_ERROR(CheckLength(request, config));
  ORIEL_RETURN_IF_ERROR(CheckTokens("prompt", request.prompt, vocab_size));
  ORIEL_RETURN_IF_ERROR(CheckSampling(request.sampling, config, vocab_size));
  return CheckStops(request, config, vocab_size);
}

}  // namespace oriel
