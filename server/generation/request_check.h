#ifndef ORIEL_SERVER_GENERATION_REQUEST_CHECK_H_
#define ORIEL_SERVER_GENERATION_REQUEST_CHECK_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "server/config/server_config.h"
#include "server/generation/completion_request.h"

namespace oriel {

// What a request may contain.
struct RequestRules {
  ApiLimits limits;
  int32_t top_logprobs_max = 20;
};

// The values that an interface to clients limits, the same for HTTP and gRPC. Ranges of the
// sampling numbers are left to ValidateGenerationRequest, the one place that knows them. Errors:
// InvalidArgument with the field, its value and its limit (server/error_mapping.h).
absl::Status CheckRequest(const CompletionRequest& request, const RequestRules& rules);
absl::Status CheckRequest(const ChatCompletionRequest& request, const RequestRules& rules);

}  // namespace oriel

#endif  // ORIEL_SERVER_GENERATION_REQUEST_CHECK_H_
