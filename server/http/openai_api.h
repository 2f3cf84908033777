#ifndef ORIEL_SERVER_HTTP_OPENAI_API_H_
#define ORIEL_SERVER_HTTP_OPENAI_API_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/token_id.h"
#include "engine/request/generation_request.h"
#include "server/config/server_config.h"
#include "server/json.h"
#include "server/text_model.h"

namespace oriel {

// What a body may contain; both parts outlive nothing.
struct ApiRules {
  ApiLimits limits;
  int32_t top_logprobs_max = 20;
};

// What completions and chat have in common. Field names and defaults are OpenAI's and vLLM's.
// Ranges of the sampling numbers are left to ValidateGenerationRequest, the one place that knows
// them; what only this interface has is checked here.
struct GenerationOptions {
  std::string model;  // empty: the served one
  SamplingParams
      sampling;  // `seed` and the log-probability counts are filled from the fields below
  std::optional<uint64_t> seed;         // absent: drawn for each request
  std::optional<int32_t> max_tokens;    // absent: the interface's own default
  std::optional<int32_t> num_logprobs;  // absent: none; 0: of the chosen token
  int32_t min_tokens = 0;
  int32_t n = 1;
  int32_t priority = 0;
  std::vector<std::string> stop;
  std::vector<TokenId> stop_token_ids;
  bool include_stop_str_in_output = false;
  bool ignore_eos = false;
  bool skip_special_tokens = true;
  bool stream = false;
  bool include_usage = false;
  bool continuous_usage_stats = false;
  bool return_token_ids = false;            // prompt_token_ids and token_ids beside the text
  bool return_tokens_as_token_ids = false;  // "token_id:17" for the text of a token
  std::vector<std::string> ignored_fields;  // unknown names, in the order of the alphabet
};

using PromptInput = std::variant<std::string, std::vector<TokenId>>;

struct CompletionRequest {
  GenerationOptions options;
  std::vector<PromptInput> prompts;  // one at least
  bool echo = false;
  bool add_special_tokens = true;
};

struct ChatCompletionRequest {
  GenerationOptions options;
  ChatInput chat;
  bool add_special_tokens = false;  // the template writes them itself
};

// Errors of all: InvalidArgument with the field and its limits (server/error_mapping.h).
absl::StatusOr<CompletionRequest> ParseCompletionRequest(const Json& body, const ApiRules& rules);
absl::StatusOr<ChatCompletionRequest> ParseChatCompletionRequest(const Json& body,
                                                                 const ApiRules& rules);

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_OPENAI_API_H_
