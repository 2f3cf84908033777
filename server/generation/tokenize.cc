#include "server/generation/tokenize.h"

#include "kernels/core/status.h"
#include "server/error_mapping.h"
#include "server/generation/generation_plan.h"

namespace oriel {
namespace {

absl::StatusOr<std::string> TextOf(const ServingContext& context, const TokenizeRequest& request) {
  if (const auto* text = std::get_if<std::string>(&request.input)) return *text;
  if (const auto* chat = std::get_if<ChatInput>(&request.input)) {
    absl::StatusOr<std::string> text = context.text.RenderChat(*chat);
    if (!text.ok()) return WithErrorParam(text.status(), "messages");
    return text;
  }
  return FieldError("prompt", "prompt is missing; prompt or messages must be there");
}

}  // namespace

absl::StatusOr<std::vector<TokenId>> TokenizeInput(const ServingContext& context,
                                                   const TokenizeRequest& request) {
  ORIEL_RETURN_IF_ERROR(CheckModelName(context, request.model));
  ORIEL_ASSIGN_OR_RETURN(const std::string text, TextOf(context, request));
  const bool is_text = std::holds_alternative<std::string>(request.input);
  const auto add =
      request.add_special_tokens.value_or(is_text) ? AddSpecialTokens::kYes : AddSpecialTokens::kNo;
  auto tokens = context.text.Encode(text, add, kTokenizeTokensMax);
  if (!tokens.ok()) return WithErrorParam(tokens.status(), "prompt");
  return tokens;
}

}  // namespace oriel
