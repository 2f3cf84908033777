#ifndef ORIEL_SERVER_GENERATION_GENERATION_PLAN_H_
#define ORIEL_SERVER_GENERATION_GENERATION_PLAN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "engine/request/generation_request.h"
#include "server/generation/choice.h"
#include "server/generation/completion_request.h"
#include "server/generation/request_check.h"
#include "server/serving_context.h"

namespace oriel {

enum class ApiKind : uint8_t { kCompletion, kChat };

// One prompt of a request, ready for the engine but for its id and, with n > 1, its seed.
struct PlannedPrompt {
  GenerationRequest request;
  std::string echo_text;          // empty unless the prompt is to be repeated
  int64_t unseen_characters = 0;  // of a begin token that encoding put before the echoed text
};

// What a request asks for, in tokens: `options.n` answers for each prompt.
struct GenerationPlan {
  ApiKind kind = ApiKind::kCompletion;
  GenerationOptions options = {};
  std::vector<PlannedPrompt> prompts = {};

  int32_t num_choices() const { return static_cast<int32_t>(prompts.size()) * options.n; }
};

// Checks, fills the template and tokenizes: everything between a request as its interface read it
// and the engine. Runs on a worker thread, because texts may be long. Errors are those that a
// client sees, the same whatever it speaks.
absl::StatusOr<GenerationPlan> PlanCompletion(const ServingContext& context,
                                              CompletionRequest request, absl::Time arrival);
absl::StatusOr<GenerationPlan> PlanChat(const ServingContext& context,
                                        ChatCompletionRequest request, absl::Time arrival);

// What this server lets a request contain.
RequestRules RulesOf(const ServingContext& context);

// How the answers of the plan are turned into text.
ChoiceOptions MakeChoiceOptions(const GenerationPlan& plan, const PlannedPrompt& prompt);

// NotFound unless `model` is empty or the served one.
absl::Status CheckModelName(const ServingContext& context, std::string_view model);

}  // namespace oriel

#endif  // ORIEL_SERVER_GENERATION_GENERATION_PLAN_H_
