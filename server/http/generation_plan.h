#ifndef ORIEL_SERVER_HTTP_GENERATION_PLAN_H_
#define ORIEL_SERVER_HTTP_GENERATION_PLAN_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "engine/request/generation_request.h"
#include "server/http/choice.h"
#include "server/http/openai_api.h"
#include "server/serving_context.h"

namespace oriel {

enum class ApiKind : uint8_t { kCompletion, kChat };

// One prompt of a request, ready for the engine but for its id and, with n > 1, its seed.
struct PlannedPrompt {
  GenerationRequest request;
  std::string echo_text;  // empty unless the prompt is to be repeated
};

// What a request asks for, in tokens: `options.n` answers for each prompt.
struct GenerationPlan {
  ApiKind kind = ApiKind::kCompletion;
  GenerationOptions options = {};
  std::vector<PlannedPrompt> prompts = {};

  int32_t num_choices() const { return static_cast<int32_t>(prompts.size()) * options.n; }
};

// Reads, checks, fills the template and tokenizes: everything between a body and the engine. Runs
// on a worker thread, because texts may be long. Errors are those that a client sees.
absl::StatusOr<GenerationPlan> PlanGeneration(const ServingContext& context, ApiKind kind,
                                              std::string_view body, absl::Time arrival);

// How the answers of the plan are turned into text.
ChoiceOptions MakeChoiceOptions(const GenerationPlan& plan, const PlannedPrompt& prompt);

// NotFound unless `model` is empty or the served one.
absl::Status CheckModelName(const ServingContext& context, std::string_view model);

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_GENERATION_PLAN_H_
