#ifndef ORIEL_ENGINE_RUNTIME_ENGINE_TIMES_H_
#define ORIEL_ENGINE_RUNTIME_ENGINE_TIMES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "engine/base/histogram.h"
#include "engine/runtime/sampler.h"
#include "engine/scheduler/batch_plan.h"

namespace oriel {

// What rows a step had.
enum class StepPhase : uint8_t {
  kPrompt,  // chunks of prompts alone
  kDecode,  // generated tokens alone
  kMixed,
};
inline constexpr size_t kNumStepPhases = 3;

// Bounds of the histograms. Those of requests are vLLM's, so that its dashboards
// mean the same here.
inline constexpr auto kFirstTokenSecondsBounds =
    std::to_array<double>({.001, .005, .01, .02, .04, .06, .08, .1, .25, .5,  .75,
                           1,    2.5,  5,   7.5, 10,  20,  40,  80, 160, 640, 2560});
inline constexpr auto kNextTokenSecondsBounds = std::to_array<double>(
    {.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80});
inline constexpr auto kRequestSecondsBounds = std::to_array<double>(
    {.3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680});
inline constexpr auto kStepTokensBounds =
    std::to_array<double>({1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384});
inline constexpr auto kStepSecondsBounds = std::to_array<double>(
    {.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25});

// Steps of one phase, and the parts of them in all. The parts are times of the engine thread: where
// the device runs beside it, what it waits for is in `sample`.
struct PhaseTimes {
  Histogram step_seconds{kStepSecondsBounds};
  absl::Duration forward;
  absl::Duration sample;
  absl::Duration seal;  // lies within `forward`
};

// Times since start. Those of requests are observed where tokens are published.
struct EngineTimes {
  Histogram first_token_seconds{kFirstTokenSecondsBounds};  // from GenerationRequest::arrival
  Histogram next_token_seconds{kNextTokenSecondsBounds};    // between two tokens of an answer
  Histogram queue_seconds{kRequestSecondsBounds};  // from Submit to the first step with its tokens
  Histogram prefill_seconds{kRequestSecondsBounds};  // from there to its first token
  // From an answer's first token to its last, in all and per token. Only of requests that end by
  // themselves.
  Histogram decode_seconds{kRequestSecondsBounds};
  Histogram output_token_seconds{kNextTokenSecondsBounds};
  Histogram step_tokens{kStepTokensBounds};
  std::array<PhaseTimes, kNumStepPhases> phases;
};

// When the parts of a step were done.
struct StepTiming {
  absl::Time begin;
  absl::Time forwarded;
  absl::Time published;  // tokens reach their streams
  absl::Duration seal;
};

StepPhase PhaseOf(const BatchPlan& plan);

// Adds a step whose tokens have been published, and what it means for its sequences. Before
// Scheduler::FinishStep, which ends the finished ones.
void RecordStep(const BatchPlan& plan, const SampledTokens& tokens, const StepTiming& timing,
                EngineTimes& times);

}  // namespace oriel

#endif  // ORIEL_ENGINE_RUNTIME_ENGINE_TIMES_H_
