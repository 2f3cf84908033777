#include "server/generation/running_generation.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "kernels/core/status.h"

namespace oriel {

RunningGeneration::RunningGeneration(ServingContext& context, GenerationPlan plan,
                                     absl::Time arrival)
    : context_(context), plan_(std::move(plan)), arrival_(arrival) {}

absl::Status RunningGeneration::Submit(const std::function<void()>& wakeup) {
  for (size_t i = 0; i < plan_.prompts.size(); ++i) {
    for (int32_t number = 0; number < plan_.options.n; ++number) {
      const absl::Status status = SubmitChoice(i, number);
      if (!status.ok()) {
        Withdraw();
        return status;
      }
    }
    context_.metrics.ObserveSubmitted(static_cast<int64_t>(plan_.prompts[i].request.prompt.size()),
                                      plan_.prompts[i].request.max_tokens, plan_.options.n);
  }
  // Not before all are in: a wakeup for the first would only find the others missing.
  for (const RunningChoice& running : choices_) running.choice->stream()->SetWakeup(wakeup);
  return absl::OkStatus();
}

absl::Status RunningGeneration::SubmitChoice(size_t prompt_index, int32_t number) {
  const PlannedPrompt& prompt = plan_.prompts[prompt_index];
  GenerationRequest request = prompt.request;
  const RequestId id = ++context_.last_request_id;
  request.id = id;
  request.sampling.seed += static_cast<uint64_t>(number);
  ORIEL_ASSIGN_OR_RETURN(std::shared_ptr<TokenStream> stream,
                         context_.engine.Submit(std::move(request)));
  RunningChoice& running = choices_.emplace_back();
  running.prompt_index = prompt_index;
  running.choice = std::make_unique<Choice>(context_.text, MakeChoiceOptions(plan_, prompt), id,
                                            std::move(stream));
  return absl::OkStatus();
}

// The client hears that the request was refused: what was submitted of it is no answer that ended.
void RunningGeneration::Withdraw() {
  for (RunningChoice& running : choices_) running.counted = true;
  Cancel();
}

bool RunningGeneration::Next(size_t choice_index, ChoiceDelta& delta) {
  RunningChoice& running = choices_[choice_index];
  if (!running.choice->Next(delta)) return false;
  if (running.choice->TakeCancelWish()) context_.engine.Cancel(running.choice->id());
  if (delta.finished) CountEnd(running, delta.finish_reason);
  return true;
}

void RunningGeneration::CountEnd(RunningChoice& running, FinishReason reason) {
  if (std::exchange(running.counted, true)) return;
  context_.metrics.ObserveFinished(reason, running.choice->num_generated(), absl::Now() - arrival_);
}

void RunningGeneration::Cancel() {
  for (RunningChoice& running : choices_) {
    if (running.choice->finished()) continue;
    context_.engine.Cancel(running.choice->id());
    CountEnd(running, FinishReason::kCanceled);
  }
}

bool RunningGeneration::all_finished() const {
  return std::all_of(choices_.begin(), choices_.end(),
                     [](const RunningChoice& running) { return running.choice->finished(); });
}

Usage RunningGeneration::total_usage() const {
  Usage usage;
  for (const PlannedPrompt& prompt : plan_.prompts) {
    usage.prompt_tokens += static_cast<int64_t>(prompt.request.prompt.size());
  }
  for (const RunningChoice& running : choices_) {
    usage.generated_tokens += running.choice->num_generated();
  }
  return usage;
}

}  // namespace oriel
