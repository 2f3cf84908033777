#ifndef ORIEL_SERVER_GENERATION_TOKENIZE_H_
#define ORIEL_SERVER_GENERATION_TOKENIZE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/token_id.h"
#include "server/serving_context.h"
#include "server/text_model.h"

namespace oriel {

// The most tokens that one text is taken apart into, or put together from.
inline constexpr int32_t kTokenizeTokensMax = 1 << 22;

// A text, or a chat to be written out by the model's template, that a client wants in tokens.
struct TokenizeRequest {
  std::string model;  // empty: the served one
  std::variant<std::monostate, std::string, ChatInput> input;
  std::optional<bool> add_special_tokens;  // absent: for a text; a template writes them itself
};

// Errors as PlanCompletion; a text may have more tokens than the model takes, because the answer is
// how a client finds out. Runs on a worker.
absl::StatusOr<std::vector<TokenId>> TokenizeInput(const ServingContext& context,
                                                   const TokenizeRequest& request);

}  // namespace oriel

#endif  // ORIEL_SERVER_GENERATION_TOKENIZE_H_
