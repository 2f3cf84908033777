#ifndef ORIEL_SERVER_HTTP_OPENAI_API_H_
#define ORIEL_SERVER_HTTP_OPENAI_API_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/config/server_config.h"
#include "server/generation/completion_request.h"
#include "server/generation/generation_plan.h"
#include "server/json.h"
#include "server/serving_context.h"

namespace oriel {

// OpenAI's bodies, with vLLM's additions, as requests. Only types are checked here. Errors of all:
// InvalidArgument with the field (server/error_mapping.h).
absl::StatusOr<CompletionRequest> ParseCompletionRequest(const Json& body);
absl::StatusOr<ChatCompletionRequest> ParseChatCompletionRequest(const Json& body,
                                                                 const ApiLimits& limits);

// From a body to what the engine takes: reads, then PlanCompletion or PlanChat. Runs on a worker.
absl::StatusOr<GenerationPlan> PlanBody(const ServingContext& context, ApiKind kind,
                                        std::string_view body, absl::Time arrival);

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_OPENAI_API_H_
