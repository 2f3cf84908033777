#ifndef ORIEL_ENGINE_SCHEDULER_LOGIT_ADJUSTMENTS_H_
#define ORIEL_ENGINE_SCHEDULER_LOGIT_ADJUSTMENTS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/request/generation_request.h"
#include "kernels/ops/sample.h"

namespace oriel {

// What a request's penalties, logit bias and min_tokens do to the logits of its next token. Kept up
// to date token by token, so that a step copies the entries and computes none.
//
// Per token that is concerned, one entry:
//   repetition = repetition_penalty if the token is in prompt or answer, else 1
//   offset     = bias - frequency_penalty * n - presence_penalty * (n > 0), n times generated;
//                -infinity for end and stop tokens until min_tokens are generated
//
// Threads     the engine thread.
// Invariant   each token has one entry at most.
// Limits      MaxLogitAdjustments entries.
class LogitAdjustments {
 public:
  explicit LogitAdjustments(const GenerationRequest& request);

  // The request has generated one more token.
  void AddGenerated(TokenId token);

  std::span<const LogitAdjustment> entries() const { return entries_; }

 private:
  // What an entry is made of.
  struct Parts {
    float bias = 0.0f;
    int32_t num_generated = 0;
    bool in_text = false;     // prompt or answer
    bool suppressed = false;  // until min_tokens are generated
  };

  size_t IndexOf(TokenId token);
  void Refresh(size_t index);
  void Suppress(std::span<const TokenId> tokens);
  void LiftSuppression();

  const float presence_penalty_;
  const float frequency_penalty_;
  const float repetition_penalty_;
  int32_t suppressed_for_ = 0;  // tokens still to generate before an end may be drawn

  std::vector<LogitAdjustment> entries_;
  std::vector<Parts> parts_;  // of each entry
  absl::flat_hash_map<TokenId, size_t> index_of_token_;
};

// Entries that any request can have: every token of its text, its biases, its end and stop tokens.
int32_t MaxLogitAdjustments(const EngineConfig& config, int32_t vocab_size);

}  // namespace oriel

#endif  // ORIEL_ENGINE_SCHEDULER_LOGIT_ADJUSTMENTS_H_
