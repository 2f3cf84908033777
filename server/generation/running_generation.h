#ifndef ORIEL_SERVER_GENERATION_RUNNING_GENERATION_H_
#define ORIEL_SERVER_GENERATION_RUNNING_GENERATION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/generation/choice.h"
#include "server/generation/generation_plan.h"
#include "server/serving_context.h"

namespace oriel {

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t generated_tokens = 0;
};

// A plan in the engine: submits its choices, reads them as text, counts them in the metrics.
//
// Lifecycle   Submit once, then Next until every choice is finished. Destroyed earlier, it cancels
//             what the engine still does for it.
// Threads     one at a time; the wakeup comes from any.
// Invariant   every choice that was submitted is finished or cancelled when this is gone.
// Limits      the streams of its choices are bounded by their max_tokens.
class RunningGeneration {
 public:
  RunningGeneration(ServingContext& context, GenerationPlan plan, absl::Time arrival);
  ~RunningGeneration() { Cancel(); }
  RunningGeneration(const RunningGeneration&) = delete;
  RunningGeneration& operator=(const RunningGeneration&) = delete;

  // Errors of Engine::Submit; what was submitted before is cancelled with this. `wakeup` is called
  // whenever Next may have something; it must not block and may be called once too often.
  absl::Status Submit(const std::function<void()>& wakeup);

  // Takes what a choice has to show next; false if there is nothing now.
  bool Next(size_t choice_index, ChoiceDelta& delta);

  // Ends what still runs.
  void Cancel();

  const GenerationPlan& plan() const { return plan_; }
  size_t num_choices() const { return choices_.size(); }
  const PlannedPrompt& prompt_of(size_t choice_index) const {
    return plan_.prompts[choices_[choice_index].prompt_index];
  }
  int64_t num_generated(size_t choice_index) const {
    return choices_[choice_index].choice->num_generated();
  }
  bool all_finished() const;

  // A prompt counts once, however many answers it has.
  Usage total_usage() const;

 private:
  struct RunningChoice {
    std::unique_ptr<Choice> choice;
    size_t prompt_index = 0;
    bool counted = false;  // its end is in the metrics
  };

  absl::Status SubmitChoice(size_t prompt_index, int32_t number);
  void CountEnd(RunningChoice& running, FinishReason reason);
  void Withdraw();

  ServingContext& context_;
  const GenerationPlan plan_;
  const absl::Time arrival_;
  std::vector<RunningChoice> choices_;  // in order of prompts
};

}  // namespace oriel

#endif  // ORIEL_SERVER_GENERATION_RUNNING_GENERATION_H_
