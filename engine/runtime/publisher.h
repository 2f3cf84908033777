#ifndef ORIEL_ENGINE_RUNTIME_PUBLISHER_H_
#define ORIEL_ENGINE_RUNTIME_PUBLISHER_H_

#include "engine/runtime/sampler.h"
#include "engine/scheduler/batch_plan.h"

namespace oriel {

// Says a step's tokens to the streams of their sequences, prompt tokens before generated ones, and
// finishes the sequences that end with them. A row whose logits were not numbers ends its own
// request with kError. Threads: the engine thread.
void Publish(const BatchPlan& plan, const SampledTokens& tokens);

}  // namespace oriel

#endif  // ORIEL_ENGINE_RUNTIME_PUBLISHER_H_
