#ifndef ORIEL_SERVER_GENERATION_COMPLETION_REQUEST_H_
#define ORIEL_SERVER_GENERATION_COMPLETION_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "engine/base/token_id.h"
#include "engine/request/generation_request.h"
#include "server/text_model.h"

namespace oriel {

// What a client asked, whatever it speaks: HTTP reads these from JSON, gRPC from messages. Only the
// types of the fields have been checked; request_check.h knows what values they may have.

// What completions and chat have in common. Field names and defaults are OpenAI's and vLLM's.
struct GenerationOptions {
  std::string model;  // empty: the served one
  // `seed` and the log-probability counts are filled from the fields below.
  SamplingParams sampling;
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
  bool return_token_ids = false;                 // prompt_token_ids and token_ids beside the text
  bool return_tokens_as_token_ids = false;       // "token_id:17" for the text of a token
  absl::Time deadline = absl::InfiniteFuture();  // the client's own; the server may have a nearer
  std::vector<std::string> ignored_fields;       // unknown names, in the order they came in
};

using PromptInput = std::variant<std::string, std::vector<TokenId>>;

struct CompletionRequest {
  GenerationOptions options;
  std::vector<PromptInput> prompts;
  bool echo = false;
  bool add_special_tokens = true;
};

struct ChatCompletionRequest {
  GenerationOptions options;
  ChatInput chat;
  bool echo = false;
  bool add_special_tokens = false;  // the template writes them itself
};

}  // namespace oriel

#endif  // ORIEL_SERVER_GENERATION_COMPLETION_REQUEST_H_
