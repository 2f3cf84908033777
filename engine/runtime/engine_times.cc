#include "engine/runtime/engine_times.h"

#include "engine/scheduler/sequence.h"

namespace oriel {
namespace {

void Observe(absl::Duration duration, Histogram& seconds) {
  seconds.Observe(absl::ToDoubleSeconds(duration));
}

void RecordScheduled(Sequence& sequence, absl::Time now, EngineTimes& times) {
  SequenceTimes& own = sequence.times();
  if (own.scheduled != absl::InfinitePast()) return;
  own.scheduled = now;
  Observe(now - own.submitted, times.queue_seconds);
}

void RecordToken(Sequence& sequence, absl::Time now, EngineTimes& times) {
  SequenceTimes& own = sequence.times();
  if (own.first_token == absl::InfinitePast()) {
    own.first_token = now;
    Observe(now - sequence.request().arrival, times.first_token_seconds);
    Observe(now - own.scheduled, times.prefill_seconds);
  } else {
    Observe(now - own.last_token, times.next_token_seconds);
  }
  own.last_token = now;
}

void RecordEnd(const Sequence& sequence, EngineTimes& times) {
  const absl::Duration decode = sequence.times().last_token - sequence.times().first_token;
  const int32_t num_later_tokens = sequence.num_generated() - 1;
  Observe(decode, times.decode_seconds);
  if (num_later_tokens > 0) Observe(decode / num_later_tokens, times.output_token_seconds);
}

}  // namespace

StepPhase PhaseOf(const BatchPlan& plan) {
  if (plan.num_prompt_rows == 0) return StepPhase::kDecode;
  const bool all = static_cast<size_t>(plan.num_prompt_rows) == plan.rows.size();
  return all ? StepPhase::kPrompt : StepPhase::kMixed;
}

void RecordStep(const BatchPlan& plan, const SampledTokens& tokens, const StepTiming& timing,
                EngineTimes& times) {
  for (const BatchRow& row : plan.rows) RecordScheduled(*row.sequence, timing.begin, times);
  for (const SampledRow& row : tokens.rows) {
    if (row.is_prompt_token || row.sampled.token < 0) continue;
    RecordToken(*row.sequence, timing.published, times);
    if (row.sequence->is_finished()) RecordEnd(*row.sequence, times);
  }
  PhaseTimes& phase = times.phases[static_cast<size_t>(PhaseOf(plan))];
  Observe(timing.published - timing.begin, phase.step_seconds);
  phase.forward += timing.forwarded - timing.begin;
  phase.sample += timing.published - timing.forwarded;
  phase.seal += timing.seal;
  times.step_tokens.Observe(plan.num_tokens);
}

}  // namespace oriel
