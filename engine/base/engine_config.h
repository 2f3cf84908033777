#ifndef ORIEL_ENGINE_BASE_ENGINE_CONFIG_H_
#define ORIEL_ENGINE_BASE_ENGINE_CONFIG_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "kernels/formats/codec.h"

namespace oriel {

// Every limit of the engine. What grows has its bound here; 0 means "chosen at start from model and
// machine", and the start-up report says what was chosen.
struct EngineConfig {
  // The cache.
  Codec key_codec = Codec::kInt2;
  Codec value_codec = Codec::kE8_1p5;
  int32_t window_tokens = 128;  // a multiple of 64, 0 … 65 536
  int32_t sink_tokens = 5;      // 0 … 64
  // Packed pages, window pages and sinks together; 0: see ResolveEngineConfig (engine/engine.h).
  int64_t kv_cache_memory_bytes = 0;

  // The batch.
  // Tokens a sequence may hold, prompt and answer; 0: the model's context, or less if the cache
  // holds less.
  int32_t max_model_len = 0;
  int32_t max_num_seqs = 16;           // sequences that run at once, 1 … 4 096
  int32_t prefill_chunk_tokens = 512;  // prompt tokens a step, all sequences together, 1 … 65 536
  int32_t threads = 0;                 // CPU workers, 0: one a core that the process may use

  // What waits.
  int32_t queue_requests_max = 1024;     // requests not yet admitted
  int64_t queue_tokens_max = 4'000'000;  // their prompt tokens together
  int32_t logits_rows_max = 64;          // rows of logits computed at a time
  int32_t top_logprobs_max = 20;         // a request's `logprobs`
  int32_t logit_bias_max = 1024;         // a request's entries
  int32_t stop_token_ids_max = 64;       // a request's entries
};

// InvalidArgument names the field, its value and its limits.
absl::Status ValidateEngineConfig(const EngineConfig& config);

}  // namespace oriel

#endif  // ORIEL_ENGINE_BASE_ENGINE_CONFIG_H_
