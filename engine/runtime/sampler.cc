#include "engine/runtime/sampler.h"

#include <algorithm>

#include "engine/scheduler/logit_adjustments.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// Rows with the most adjustments that a slice holds together. Such rows are rare, and a slice with
// fewer of them costs one more pass over the output weights.
constexpr int32_t kFullyAdjustedRowsMax = 8;

int32_t NumTopLogprobs(const SamplingParams& sampling, bool is_prompt_token) {
  return std::max(is_prompt_token ? sampling.num_top_prompt_logprobs : sampling.num_top_logprobs,
                  0);
}

}  // namespace

int32_t SampledTokens::num_generated() const {
  return static_cast<int32_t>(std::count_if(rows.begin(), rows.end(), [](const SampledRow& row) {
    return !row.is_prompt_token && row.sampled.token >= 0;
  }));
}

absl::StatusOr<Sampler> Sampler::Make(Backend& backend, const EngineConfig& config,
                                      int32_t vocab_size, int32_t num_sequences) {
  Sampler sampler;
  sampler.backend_ = &backend;
  sampler.vocab_size_ = vocab_size;
  sampler.slice_rows_max_ =
      std::min(config.logits_rows_max, config.prefill_chunk_tokens + num_sequences);
  sampler.adjustments_max_ =
      MaxLogitAdjustments(config, vocab_size) *
      std::min({kFullyAdjustedRowsMax, num_sequences, sampler.slice_rows_max_});
  sampler.top_max_ = config.top_logprobs_max;

  const auto make = [&backend](int64_t count, size_t element_bytes) {
    return backend.MakeBuffer(static_cast<size_t>(count) * element_bytes);
  };
  const int64_t rows = sampler.slice_rows_max_;
  ORIEL_ASSIGN_OR_RETURN(sampler.hidden_rows_, make(rows, sizeof(int32_t)));
  ORIEL_ASSIGN_OR_RETURN(sampler.logits_, make(rows * vocab_size, sizeof(float)));
  ORIEL_ASSIGN_OR_RETURN(sampler.sample_rows_, make(rows, sizeof(SampleRow)));
  ORIEL_ASSIGN_OR_RETURN(sampler.adjustments_,
                         make(sampler.adjustments_max_, sizeof(LogitAdjustment)));
  ORIEL_ASSIGN_OR_RETURN(sampler.sampled_, make(rows, sizeof(SampledToken)));
  ORIEL_ASSIGN_OR_RETURN(sampler.top_tokens_, make(rows * sampler.top_max_, sizeof(int32_t)));
  ORIEL_ASSIGN_OR_RETURN(sampler.top_logprobs_, make(rows * sampler.top_max_, sizeof(float)));

  const size_t step_rows_max =
      static_cast<size_t>(config.prefill_chunk_tokens) + static_cast<size_t>(num_sequences);
  sampler.wanted_.reserve(step_rows_max);
  sampler.result_.rows.reserve(step_rows_max);
  return sampler;
}

absl::StatusOr<const SampledTokens*> Sampler::Sample(const BatchPlan& plan, Model& model,
                                                     Stream& stream) {
  result_.rows.clear();
  result_.top_logprobs.clear();
  ListWantedRows(plan);
  for (size_t begin = 0; begin < wanted_.size();) {
    const size_t count = StageSlice(begin);
    ORIEL_RETURN_IF_ERROR(RunSlice(count, model, stream));
    CollectSlice(begin, count);
    begin += count;
  }
  return &result_;
}

void Sampler::ListWantedRows(const BatchPlan& plan) {
  wanted_.clear();
  for (const BatchRow& row : plan.rows) {
    Sequence& sequence = *row.sequence;
    const KvView& view = row.view;
    // The logits of a token speak about the one behind it.
    if (row.kind == RowKind::kPrompt && sequence.request().sampling.num_top_prompt_logprobs >= 0) {
      for (int32_t i = 0; i < view.num_queries; ++i) {
        const int32_t position = view.first_position + i + 1;
        if (position == sequence.num_prompt_tokens()) break;
        wanted_.push_back({&sequence, view.first_row + i, position, sequence.TokenAt(position)});
      }
    }
    if (!row.ends_in_token) continue;
    wanted_.push_back(
        {&sequence, view.first_row + view.num_queries - 1, view.last_position() + 1, kNoToken});
  }
}

// Stages as many rows from `begin` on as a slice holds, one at least, and returns how many.
size_t Sampler::StageSlice(size_t begin) {
  const size_t rows_max = static_cast<size_t>(slice_rows_max_);
  const size_t end = std::min(wanted_.size(), begin + rows_max);
  int32_t num_adjustments = 0;
  size_t row = begin;
  for (; row < end; ++row) {
    const int64_t more =
        static_cast<int64_t>(wanted_[row].sequence->adjustments().entries().size());
    if (wanted_[row].prompt_token == kNoToken && num_adjustments + more > adjustments_max_) break;
    StageRow(wanted_[row], static_cast<int32_t>(row - begin), num_adjustments);
  }
  ORIEL_CHECK(row > begin);
  return row - begin;
}

void Sampler::StageRow(const WantedRow& wanted, int32_t slice_row, int32_t& num_adjustments) {
  const SamplingParams& sampling = wanted.sequence->request().sampling;
  const bool is_prompt_token = wanted.prompt_token != kNoToken;
  SampleRow row;
  row.logits_row = slice_row;
  row.forced_token = wanted.prompt_token;
  row.temperature = sampling.temperature;
  row.top_k = sampling.top_k;
  row.top_p = sampling.top_p;
  row.min_p = sampling.min_p;
  row.seed = sampling.seed;
  row.position = static_cast<uint64_t>(wanted.position);
  row.num_top_logprobs = std::min(NumTopLogprobs(sampling, is_prompt_token), vocab_size_);
  row.adjustments_begin = num_adjustments;
  if (!is_prompt_token) {
    const std::span<const LogitAdjustment> entries = wanted.sequence->adjustments().entries();
    std::copy(entries.begin(), entries.end(), adjustments_.as<LogitAdjustment>() + num_adjustments);
    num_adjustments += static_cast<int32_t>(entries.size());
  }
  row.adjustments_end = num_adjustments;
  sample_rows_.as<SampleRow>()[slice_row] = row;
  hidden_rows_.as<int32_t>()[slice_row] = wanted.hidden_row;
}

absl::Status Sampler::RunSlice(size_t count, Model& model, Stream& stream) {
  const int64_t rows = static_cast<int64_t>(count);
  const TensorView<float, 2> logits(logits_.as<float>(), {rows, vocab_size_});
  const SampleRow* sample_rows = sample_rows_.as<SampleRow>();
  ORIEL_RETURN_IF_ERROR(model.ComputeLogits({hidden_rows_.as<int32_t>(), {rows}}, logits, stream));
  const SampleArgs args = {
      .logits = logits,
      .rows = {sample_rows, {rows}},
      .adjustments = {adjustments_.as<LogitAdjustment>(), {sample_rows[count - 1].adjustments_end}},
      .out = {sampled_.as<SampledToken>(), {rows}},
      .top_tokens = {top_tokens_.as<int32_t>(), {rows, top_max_}},
      .top_logprobs = {top_logprobs_.as<float>(), {rows, top_max_}},
  };
  ORIEL_RETURN_IF_ERROR(backend_->Sample(args, stream));
  return stream.Synchronize();
}

void Sampler::CollectSlice(size_t begin, size_t count) {
  const auto end_of_top = [this] { return static_cast<int32_t>(result_.top_logprobs.size()); };
  for (size_t i = 0; i < count; ++i) {
    const WantedRow& wanted = wanted_[begin + i];
    SampledRow row;
    row.sequence = wanted.sequence;
    row.position = wanted.position;
    row.is_prompt_token = wanted.prompt_token != kNoToken;
    row.sampled = sampled_.as<SampledToken>()[i];
    row.top_begin = end_of_top();
    const int32_t num_top = sample_rows_.as<SampleRow>()[i].num_top_logprobs;
    const size_t first = i * static_cast<size_t>(top_max_);
    for (size_t k = first; k < first + static_cast<size_t>(num_top); ++k) {
      result_.top_logprobs.push_back({top_tokens_.as<int32_t>()[k], top_logprobs_.as<float>()[k]});
    }
    row.top_end = end_of_top();
    result_.rows.push_back(row);
  }
}

}  // namespace oriel
