#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/core/status.h"
#include "kernels/ops/check_args.h"
#include "kernels/ops/philox.h"
#include "kernels/reference/reference_ops.h"

namespace oriel {
namespace {

// Token ids in order of falling logit, ties by lower id.
std::vector<int32_t> Ranked(const std::vector<double>& logits) {
  std::vector<int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  });
  return ids;
}

double LogSumExp(const std::vector<double>& logits) {
  double top = -std::numeric_limits<double>::infinity();
  for (double logit : logits) {
    if (std::isnan(logit)) return logit;
    top = std::max(top, logit);
  }
  double sum = 0.0;
  for (double logit : logits) sum += std::exp(logit - top);
  return top + std::log(sum);
}

void Adjust(const SampleArgs& args, const SampleRow& row, std::vector<double>& logits) {
  for (int32_t i = row.adjustments_begin; i < row.adjustments_end; ++i) {
    const LogitAdjustment& change = args.adjustments(i);
    float logit = static_cast<float>(logits[static_cast<size_t>(change.token)]);
    logit = logit > 0.0f ? logit / change.repetition : logit * change.repetition;
    logits[static_cast<size_t>(change.token)] = double{logit + change.offset};
  }
}

double Sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// The weights that survive top-k, top-p and min-p; `weights` fall, the first is the greatest.
void Restrict(const SampleRow& row, std::vector<double>& weights) {
  if (row.top_k > 0 && static_cast<size_t>(row.top_k) < weights.size()) {
    weights.resize(static_cast<size_t>(row.top_k));
  }
  if (row.top_p < 1.0f) {
    const double target = double{row.top_p} * Sum(weights);
    double mass = 0.0;
    size_t kept = 0;
    while (kept < weights.size() && (kept == 0 || mass < target)) mass += weights[kept++];
    weights.resize(kept);
  }
  const double least = double{row.min_p} * weights.front();
  while (weights.back() < least) weights.pop_back();
}

// The drawn token, or -1 if no token may be drawn.
int32_t Draw(const SampleRow& row, const std::vector<double>& logits) {
  const std::vector<int32_t> ids = Ranked(logits);
  const double top = logits[static_cast<size_t>(ids.front())];
  if (!std::isfinite(top)) return -1;
  if (row.temperature == 0.0f) return ids.front();
  std::vector<double> weights;
  weights.reserve(ids.size());
  for (int32_t id : ids) {
    weights.push_back(std::exp((logits[static_cast<size_t>(id)] - top) / double{row.temperature}));
  }
  Restrict(row, weights);
  const double target = SampleUniform(row.seed, row.position) * Sum(weights);
  double mass = 0.0;
  for (size_t rank = 0; rank < weights.size(); ++rank) {
    mass += weights[rank];
    if (mass > target) return ids[rank];
  }
  return ids[weights.size() - 1];
}

void SampleOne(const SampleArgs& args, int64_t index) {
  const SampleRow& row = args.rows(index);
  const float* begin = args.logits.row(row.logits_row);
  std::vector<double> logits(begin, begin + args.logits.dim(1));
  args.out(index) = SampledToken{};
  const double log_sum = LogSumExp(logits);
  if (!std::isfinite(log_sum)) return;

  const std::vector<double> given = logits;
  const std::vector<int32_t> ranked =
      row.num_top_logprobs > 0 ? Ranked(given) : std::vector<int32_t>();
  for (int32_t i = 0; i < row.num_top_logprobs; ++i) {
    const int32_t id = ranked[static_cast<size_t>(i)];
    args.top_tokens(index, i) = id;
    args.top_logprobs(index, i) = static_cast<float>(given[static_cast<size_t>(id)] - log_sum);
  }
  Adjust(args, row, logits);
  const int32_t token = row.forced_token >= 0 ? row.forced_token : Draw(row, logits);
  if (token < 0) return;
  args.out(index).token = token;
  args.out(index).logprob = static_cast<float>(given[static_cast<size_t>(token)] - log_sum);
}

}  // namespace

absl::Status ReferenceSample(const SampleArgs& args) {
  ORIEL_RETURN_IF_ERROR(CheckSampleArgs(args));
  for (int64_t i = 0; i < args.rows.dim(0); ++i) SampleOne(args, i);
  return absl::OkStatus();
}

}  // namespace oriel
