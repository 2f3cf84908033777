#ifndef ORIEL_ENGINE_RUNTIME_SAMPLER_H_
#define ORIEL_ENGINE_RUNTIME_SAMPLER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/engine_config.h"
#include "engine/model/model.h"
#include "engine/request/token_stream.h"
#include "engine/scheduler/batch_plan.h"
#include "kernels/core/buffer.h"
#include "kernels/core/stream.h"
#include "kernels/ops/backend.h"
#include "kernels/ops/sample.h"

namespace oriel {

// A token of a sequence with what is known of it.
struct SampledRow {
  Sequence* sequence = nullptr;  // of the plan
  int32_t position = 0;          // where the token stands in its sequence
  bool is_prompt_token = false;  // a prompt token whose log-probability was asked for
  SampledToken sampled;          // token -1: the logits were not numbers
  int32_t top_begin = 0;         // its part of SampledTokens::top_logprobs
  int32_t top_end = 0;
};

// What a step yields: by plan row, a row's tokens by position.
struct SampledTokens {
  std::vector<SampledRow> rows;
  std::vector<TokenLogprob> top_logprobs;

  // Rows that are newly drawn tokens.
  int32_t num_generated() const;

  std::span<const TokenLogprob> TopOf(const SampledRow& row) const {
    return std::span(top_logprobs)
        .subspan(static_cast<size_t>(row.top_begin),
                 static_cast<size_t>(row.top_end - row.top_begin));
  }
};

// Draws the next token of every row that ends in one, and looks up the log-probabilities of prompt
// tokens. Logits exist for a slice of logits_rows_max rows at a time: those of a whole vocabulary
// for a long prompt would be larger than the model.
//
// Lifecycle   made once before serving; all arrays are allocated then.
// Threads     the engine thread. Sample waits for the stream at the end of each slice.
// Limits      a slice has logits_rows_max rows; it ends early where the adjustments of its rows
//             would pass their array.
class Sampler {
 public:
  // `config` is resolved. `num_sequences`: rows of a step at most.
  static absl::StatusOr<Sampler> Make(Backend& backend, const EngineConfig& config,
                                      int32_t vocab_size, int32_t num_sequences);

  // The tokens hold until the next call. `model` has run the plan's step on `stream`.
  absl::StatusOr<const SampledTokens*> Sample(const BatchPlan& plan, Model& model, Stream& stream);

 private:
  // One row of logits that is wanted.
  struct WantedRow {
    Sequence* sequence;
    int32_t hidden_row;    // row of the step's tokens
    int32_t position;      // of the token that the logits speak about
    TokenId prompt_token;  // kNoToken: one is drawn
  };

  Sampler() = default;

  void ListWantedRows(const BatchPlan& plan);
  size_t StageSlice(size_t begin);
  void StageRow(const WantedRow& wanted, int32_t slice_row, int32_t& num_adjustments);
  absl::Status RunSlice(size_t count, Model& model, Stream& stream);
  void CollectSlice(size_t begin, size_t count);

  Backend* backend_ = nullptr;  // not null; outlives the sampler
  int32_t vocab_size_ = 0;
  int32_t slice_rows_max_ = 0;
  int32_t adjustments_max_ = 0;
  int32_t top_max_ = 0;

  Buffer hidden_rows_;   // [slice_rows_max] int32
  Buffer logits_;        // [slice_rows_max, vocab] float
  Buffer sample_rows_;   // [slice_rows_max] SampleRow
  Buffer adjustments_;   // [adjustments_max] LogitAdjustment
  Buffer sampled_;       // [slice_rows_max] SampledToken
  Buffer top_tokens_;    // [slice_rows_max, top_max] int32
  Buffer top_logprobs_;  // [slice_rows_max, top_max] float

  std::vector<WantedRow> wanted_;
  SampledTokens result_;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_RUNTIME_SAMPLER_H_
