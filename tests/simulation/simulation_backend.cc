#include "tests/simulation/simulation_backend.h"

#include <cmath>
#include <utility>
#include <vector>

#include "kernels/core/status.h"
#include "kernels/ops/check_args.h"
#include "tests/simulation/page_hash.h"

namespace oriel {
namespace {

class HostStream : public Stream {
 public:
  absl::Status Synchronize() override { return absl::OkStatus(); }
};

void SampleOne(const SampleArgs& args, int64_t index, std::vector<float>& adjusted) {
  const SampleRow& row = args.rows(index);
  const float* logits = args.logits.row(row.logits_row);
  args.out(index) = SampledToken{};
  if (std::isnan(logits[0])) return;
  for (int32_t k = 0; k < row.num_top_logprobs; ++k) {
    args.top_tokens(index, k) = k;
    args.top_logprobs(index, k) = logits[k];
  }
  TokenId token = row.forced_token;
  if (token < 0) {
    adjusted.assign(logits, logits + args.logits.dim(1));
    for (int32_t i = row.adjustments_begin; i < row.adjustments_end; ++i) {
      const LogitAdjustment& change = args.adjustments(i);
      float& logit = adjusted[static_cast<size_t>(change.token)];
      logit = logit > 0.0f ? logit / change.repetition : logit * change.repetition;
      logit += change.offset;
    }
    token = DrawToken(adjusted, row.temperature, row.seed, row.position);
  }
  if (token < 0) return;
  args.out(index) = {.token = token, .logprob = logits[token]};
}

}  // namespace

absl::StatusOr<Buffer> SimulationBackend::MakeBuffer(size_t size_bytes) {
  if (buffers_left_ == 0) return absl::ResourceExhaustedError("the simulation has no more memory");
  if (buffers_left_ > 0) --buffers_left_;
  return MakeHostBuffer(size_bytes);
}

std::unique_ptr<Stream> SimulationBackend::MakeStream() { return std::make_unique<HostStream>(); }

absl::Status SimulationBackend::Sample(const SampleArgs& args, Stream&) {
  ORIEL_RETURN_IF_ERROR(std::exchange(next_sample_, absl::OkStatus()));
  ORIEL_RETURN_IF_ERROR(CheckSampleArgs(args));
  std::vector<float> adjusted;
  for (int64_t i = 0; i < args.rows.dim(0); ++i) SampleOne(args, i, adjusted);
  return absl::OkStatus();
}

}  // namespace oriel
