#ifndef ORIEL_ENGINE_REQUEST_GENERATION_REQUEST_H_
#define ORIEL_ENGINE_REQUEST_GENERATION_REQUEST_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "engine/base/engine_config.h"
#include "engine/base/token_id.h"

namespace oriel {

using RequestId = uint64_t;

// A model has a handful of end tokens; more than this is a mistake of the caller.
inline constexpr int32_t kEndTokenIdsMax = 64;

// How tokens are chosen. Formulas and order: kernels/ops/sample.h.
struct SamplingParams {
  float temperature = 1.0f;         // 0: greedy; 0 … 100
  int32_t top_k = 0;                // 0: off
  float top_p = 1.0f;               // (0, 1]
  float min_p = 0.0f;               // [0, 1]
  float presence_penalty = 0.0f;    // [-2, 2]; generated tokens
  float frequency_penalty = 0.0f;   // [-2, 2]; generated tokens, times their count
  float repetition_penalty = 1.0f;  // (0, 100]; prompt and generated tokens
  uint64_t seed = 0;                // the draw at position t is fixed by seed and t
  std::vector<std::pair<TokenId, float>> logit_bias;  // [-100, 100] each
  // -1: no log-probabilities; 0: of the chosen token; n: and of the n best.
  int32_t num_top_logprobs = -1;
  int32_t num_top_prompt_logprobs = -1;  // the same for prompt tokens
};

// A request in tokens: what the engine takes. Immutable once submitted.
struct GenerationRequest {
  RequestId id = 0;             // unique among requests that live; the server counts up
  std::vector<TokenId> prompt;  // 1 token at least
  SamplingParams sampling;
  int32_t max_tokens = 16;  // tokens to generate; 0 only with prompt log-probabilities
  int32_t min_tokens = 0;   // before this many no end token and no stop token is drawn
  bool ignore_eos = false;  // end tokens are ordinary tokens
  // The model's; finish reason stop, the token is not part of the answer.
  std::vector<TokenId> end_token_ids;
  // The client's; finish reason stop, the token is part of the answer's ids.
  std::vector<TokenId> stop_token_ids;
  int32_t priority = 0;                          // lower goes first, as in vLLM; equal: first come
  absl::Time deadline = absl::InfiniteFuture();  // past it the request ends with kDeadline
  absl::Time arrival = absl::InfinitePast();  // when its client sent it; infinite: when submitted
};

// InvalidArgument names the field, its value and its limit; OutOfRange means prompt + max_tokens >
// max_model_len and says all three numbers. `config.max_model_len` must be resolved (> 0).
absl::Status ValidateGenerationRequest(const GenerationRequest& request, const EngineConfig& config,
                                       int32_t vocab_size);

}  // namespace oriel

#endif  // ORIEL_ENGINE_REQUEST_GENERATION_REQUEST_H_
