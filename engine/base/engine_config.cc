#include "engine/base/engine_config.h"

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

absl::Status InRange(const char* field, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, " is ", value, ", it must be ", least, " to ", most));
}

}  // namespace

absl::Status ValidateEngineConfig(const EngineConfig& config) {
  ORIEL_RETURN_IF_ERROR(InRange("window_tokens", config.window_tokens, 0, 65536));
  if (config.window_tokens % 64 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("window_tokens is ", config.window_tokens, ", it must be a multiple of 64"));
  }
  ORIEL_RETURN_IF_ERROR(InRange("sink_tokens", config.sink_tokens, 0, 64));
  ORIEL_RETURN_IF_ERROR(
      InRange("kv_cache_memory_bytes", config.kv_cache_memory_bytes, 0, int64_t{1} << 50));
  ORIEL_RETURN_IF_ERROR(InRange("max_model_len", config.max_model_len, 0, 1 << 30));
  ORIEL_RETURN_IF_ERROR(InRange("max_num_seqs", config.max_num_seqs, 1, 4096));
  ORIEL_RETURN_IF_ERROR(InRange("prefill_chunk_tokens", config.prefill_chunk_tokens, 1, 65536));
  ORIEL_RETURN_IF_ERROR(InRange("threads", config.threads, 0, 256));
  ORIEL_RETURN_IF_ERROR(InRange("queue_requests_max", config.queue_requests_max, 1, 1 << 20));
  ORIEL_RETURN_IF_ERROR(InRange("queue_tokens_max", config.queue_tokens_max, 1, int64_t{1} << 40));
  ORIEL_RETURN_IF_ERROR(InRange("logits_rows_max", config.logits_rows_max, 1, 4096));
  ORIEL_RETURN_IF_ERROR(InRange("top_logprobs_max", config.top_logprobs_max, 0, 64));
  ORIEL_RETURN_IF_ERROR(InRange("logit_bias_max", config.logit_bias_max, 0, 1 << 20));
  return InRange("stop_token_ids_max", config.stop_token_ids_max, 0, 1 << 20);
}

}  // namespace oriel
