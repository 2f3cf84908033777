#include <algorithm>
#include <cmath>

#include "absl/types/span.h"
#include "kernels/core/status.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/falling_tokens.h"
#include "kernels/cpu/sample_passes.h"
#include "kernels/ops/check_args.h"
#include "kernels/ops/philox.h"

namespace oriel {
namespace {

// Depth of the first band of tokens looked at, in units of the temperature: e^-5 of the most likely
// token's weight; mostly one band holds all that is needed.
constexpr float kFirstBand = 5.0f;

// What one worker keeps for the row at hand, each as long as the vocabulary.
struct RowScratch {
  absl::Span<double> weights;
  absl::Span<float> adjusted;
  absl::Span<int32_t> ids;
  absl::Span<int32_t> kept;

  static size_t Bytes(size_t vocab) {
    return vocab * (sizeof(double) + sizeof(float) + 2 * sizeof(int32_t));
  }
  RowScratch(std::byte* memory, size_t vocab)
      : weights(reinterpret_cast<double*>(memory), vocab),
        adjusted(reinterpret_cast<float*>(weights.data() + vocab), vocab),
        ids(reinterpret_cast<int32_t*>(adjusted.data() + vocab), vocab),
        kept(ids.data() + vocab, vocab) {}
};

absl::Span<const float> Adjust(const SampleArgs& args, const SampleRow& row,
                               absl::Span<const float> logits, absl::Span<float> adjusted) {
  if (row.adjustments_begin == row.adjustments_end) return logits;
  std::copy(logits.begin(), logits.end(), adjusted.begin());
  for (int32_t i = row.adjustments_begin; i < row.adjustments_end; ++i) {
    const LogitAdjustment& change = args.adjustments(i);
    float& logit = adjusted[static_cast<size_t>(change.token)];
    logit = logit > 0.0f ? logit / change.repetition : logit * change.repetition;
    logit += change.offset;
  }
  return adjusted;
}

// One draw. Weights are relative to the most likely token's and fall from token to token.
class Drawer {
 public:
  Drawer(const SampleRow& row, absl::Span<const float> logits, float largest,
         const RowScratch& scratch)
      : row_(row),
        logits_(logits),
        largest_(largest),
        scratch_(scratch),
        tokens_(logits, largest, kFirstBand * std::max(row.temperature, 1e-3f), scratch.ids) {}

  int32_t Draw() {
    const bool has_top_k = row_.top_k > 0 && static_cast<size_t>(row_.top_k) < logits_.size();
    if (has_top_k) {
      while (num_kept_ < static_cast<size_t>(row_.top_k)) Keep();
      if (row_.top_p < 1.0f) CutToMass(double{row_.top_p} * SumKept());
    } else if (row_.top_p < 1.0f) {
      const double target = double{row_.top_p} * Total();
      for (double mass = 0.0; num_kept_ < logits_.size() && (num_kept_ == 0 || mass < target);) {
        mass += Keep();
      }
    } else if (row_.min_p > 0.0f) {
      while (num_kept_ < logits_.size() && Keep() >= double{row_.min_p}) continue;
    } else {
      return Pick(SampleUniform(row_.seed, row_.position) * Total());
    }
    while (scratch_.weights[num_kept_ - 1] < double{row_.min_p} * scratch_.weights[0]) {
      --num_kept_;
    }
    exhausted_ = true;
    return Pick(SampleUniform(row_.seed, row_.position) * SumKept());
  }

 private:
  double Total() const { return SumWeights(logits_, largest_, row_.temperature); }

  double SumKept() const {
    double sum = 0.0;
    for (size_t i = 0; i < num_kept_; ++i) sum += scratch_.weights[i];
    return sum;
  }

  // Takes the next token into the list and returns its weight.
  double Keep() {
    const int32_t token = tokens_.Next();
    const double logit = static_cast<double>(logits_[static_cast<size_t>(token)]);
    const double weight = std::exp((logit - double{largest_}) / double{row_.temperature});
    scratch_.kept[num_kept_] = token;
    scratch_.weights[num_kept_] = weight;
    ++num_kept_;
    return weight;
  }

  void CutToMass(double target) {
    double mass = 0.0;
    size_t kept = 0;
    while (kept < num_kept_ && (kept == 0 || mass < target)) mass += scratch_.weights[kept++];
    num_kept_ = kept;
  }

  // The first token at which the cumulated weight passes `target`, taking more tokens as needed.
  int32_t Pick(double target) {
    double mass = 0.0;
    for (size_t i = 0;; ++i) {
      if (i == num_kept_) {
        if (exhausted_ || num_kept_ == logits_.size()) return scratch_.kept[num_kept_ - 1];
        Keep();
      }
      mass += scratch_.weights[i];
      if (mass > target) return scratch_.kept[i];
    }
  }

  const SampleRow& row_;
  absl::Span<const float> logits_;
  float largest_;
  const RowScratch& scratch_;
  FallingTokens tokens_;
  size_t num_kept_ = 0;
  bool exhausted_ = false;  // the list is what top-k, top-p and min-p leave
};

int32_t DrawToken(const SampleRow& row, absl::Span<const float> logits, const RowScratch& scratch) {
  const float largest = LargestLogit(logits);
  if (!std::isfinite(largest)) return -1;
  if (row.temperature == 0.0f) {
    const auto first = std::find(logits.begin(), logits.end(), largest);
    return static_cast<int32_t>(first - logits.begin());
  }
  return Drawer(row, logits, largest, scratch).Draw();
}

void SampleOne(const SampleArgs& args, int64_t index, const RowScratch& scratch) {
  const SampleRow& row = args.rows(index);
  const absl::Span<const float> logits(args.logits.row(row.logits_row),
                                       static_cast<size_t>(args.logits.dim(1)));
  SampledToken& out = args.out(index);
  out = SampledToken{};
  const float largest = LargestLogit(logits);
  if (!std::isfinite(largest)) return;
  const double log_sum = double{largest} + std::log(SumExp(logits, largest));
  const auto log_probability = [&](int32_t token) {
    return static_cast<float>(static_cast<double>(logits[static_cast<size_t>(token)]) - log_sum);
  };

  FallingTokens most_likely(logits, largest, kFirstBand, scratch.ids);
  for (int32_t i = 0; i < row.num_top_logprobs; ++i) {
    const int32_t token = most_likely.Next();
    args.top_tokens(index, i) = token;
    args.top_logprobs(index, i) = log_probability(token);
  }
  int32_t token = row.forced_token;
  if (token < 0) token = DrawToken(row, Adjust(args, row, logits, scratch.adjusted), scratch);
  if (token < 0) return;
  out = SampledToken{.token = token, .logprob = log_probability(token)};
}

}  // namespace

absl::Status CpuSample(const SampleArgs& args, ThreadPool& pool) {
  ORIEL_RETURN_IF_ERROR(CheckSampleArgs(args));
  const auto vocab = static_cast<size_t>(args.logits.dim(1));
  const size_t row_bytes = (RowScratch::Bytes(vocab) + 63) / 64 * 64;
  std::byte* memory = pool.Scratch(row_bytes * static_cast<size_t>(pool.threads()));
  pool.ParallelFor(args.rows.dim(0), [&](int64_t index, int32_t worker) {
    SampleOne(args, index, RowScratch(memory + static_cast<size_t>(worker) * row_bytes, vocab));
  });
  return absl::OkStatus();
}

}  // namespace oriel
