#ifndef ORIEL_SERVER_HTTP_TOKENIZE_API_H_
#define ORIEL_SERVER_HTTP_TOKENIZE_API_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "server/http/http_message.h"
#include "server/serving_context.h"

namespace oriel {

// POST /tokenize: {"prompt" or "messages", "add_special_tokens", "return_token_strs"} →
// {"count", "max_model_len", "tokens"}, as vLLM has it; "content" is another name of "prompt".
absl::StatusOr<HttpResponse> Tokenize(ServingContext& context, std::string_view body);

// POST /detokenize: {"tokens"} → {"prompt"}.
absl::StatusOr<HttpResponse> Detokenize(ServingContext& context, std::string_view body);

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_TOKENIZE_API_H_
