#include "server/http/openai_api.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"
#include "server/http/field_reader.h"
#include "server/http/openai_fields.h"
#include "server/json_body.h"

namespace oriel {
namespace {

bool IsTokenList(const Json& value) {
  return value.is_array() && !value.empty() && value.front().is_number();
}

// A list of token ids, each a whole number of 32 bits; the vocabulary is checked later.
bool ReadTokens(FieldReader& reader, const Json& list, std::vector<TokenId>& tokens) {
  tokens.reserve(list.size());
  for (const Json& element : list) {
    const auto token = WholeNumber(element);
    if (!token) {
      reader.Fail("prompt", absl::StrCat("prompt must have whole numbers for token ids, entry ",
                                         tokens.size(), " is none"));
      return false;
    }
    tokens.push_back(*token);
  }
  return true;
}

void ReadPromptList(FieldReader& reader, const Json& list, std::vector<PromptInput>& prompts) {
  for (const Json& entry : list) {
    if (entry.is_string()) {
      prompts.emplace_back(entry.get<std::string>());
    } else if (IsTokenList(entry)) {
      std::vector<TokenId> tokens;
      if (!ReadTokens(reader, entry, tokens)) return;
      prompts.emplace_back(std::move(tokens));
    } else {
      return reader.Fail("prompt", absl::StrCat("prompt[", prompts.size(),
                                                "] must be a string or a list of token ids"));
    }
  }
}

void ReadPrompts(FieldReader& reader, std::vector<PromptInput>& prompts) {
  const Json* prompt = reader.Take("prompt");
  if (prompt == nullptr) return reader.Fail("prompt", "prompt is missing");
  if (prompt->is_string()) {
    prompts.emplace_back(prompt->get<std::string>());
  } else if (IsTokenList(*prompt)) {
    std::vector<TokenId> tokens;
    if (ReadTokens(reader, *prompt, tokens)) prompts.emplace_back(std::move(tokens));
  } else if (prompt->is_array()) {
    ReadPromptList(reader, *prompt, prompts);
  } else {
    reader.Fail("prompt",
                "prompt must be a string, a list of strings, a list of token ids, or a list of "
                "lists of token ids");
  }
}

void ReadChatLogprobs(FieldReader& reader, GenerationOptions& options) {
  bool wanted = false;
  std::optional<int32_t> top;
  reader.Read("logprobs", wanted);
  reader.Read("top_logprobs", top);
  if (top && !wanted && *top != 0) {
    return reader.Fail("top_logprobs", "top_logprobs needs logprobs to be true");
  }
  if (wanted) options.num_logprobs = top.value_or(0);
}

// max_tokens is the older name; when both are there they must agree.
void ReadMaxCompletionTokens(FieldReader& reader, GenerationOptions& options) {
  std::optional<int32_t> newer;
  reader.Read("max_completion_tokens", newer);
  if (!newer) return;
  if (options.max_tokens && *options.max_tokens != *newer) {
    return reader.Fail("max_completion_tokens",
                       absl::StrCat("max_completion_tokens is ", *newer, " and max_tokens ",
                                    *options.max_tokens, "; give one of them"));
  }
  options.max_tokens = newer;
}

}  // namespace

absl::StatusOr<CompletionRequest> ParseCompletionRequest(const Json& body) {
  FieldReader reader(body);
  CompletionRequest request;
  RefuseUnsupportedFields(reader);
  ReadPrompts(reader, request.prompts);
  ReadGenerationOptions(reader, request.options);
  reader.Read("logprobs", request.options.num_logprobs);
  reader.Read("echo", request.echo);
  reader.Read("add_special_tokens", request.add_special_tokens);
  AcceptFieldsWithoutEffect(reader);
  ORIEL_RETURN_IF_ERROR(reader.status());
  request.options.ignored_fields = reader.UnreadNames();
  return request;
}

absl::StatusOr<ChatCompletionRequest> ParseChatCompletionRequest(const Json& body,
                                                                 const ApiLimits& limits) {
  FieldReader reader(body);
  ChatCompletionRequest request;
  RefuseUnsupportedFields(reader);
  ReadChatInput(reader, limits, request.chat);
  ReadGenerationOptions(reader, request.options);
  ReadMaxCompletionTokens(reader, request.options);
  ReadChatLogprobs(reader, request.options);
  reader.Read("echo", request.echo);
  reader.Read("add_special_tokens", request.add_special_tokens);
  AcceptFieldsWithoutEffect(reader);
  ORIEL_RETURN_IF_ERROR(reader.status());
  request.options.ignored_fields = reader.UnreadNames();
  return request;
}

absl::StatusOr<GenerationPlan> PlanBody(const ServingContext& context, ApiKind kind,
                                        std::string_view body, absl::Time arrival) {
  ORIEL_ASSIGN_OR_RETURN(const Json json, ParseJsonBody(body, context.config.api.json_depth_max));
  switch (kind) {
    case ApiKind::kCompletion: {
      ORIEL_ASSIGN_OR_RETURN(CompletionRequest request, ParseCompletionRequest(json));
      return PlanCompletion(context, std::move(request), arrival);
    }
    case ApiKind::kChat: {
      ORIEL_ASSIGN_OR_RETURN(ChatCompletionRequest request,
                             ParseChatCompletionRequest(json, context.config.api));
      return PlanChat(context, std::move(request), arrival);
    }
  }
  return absl::InternalError("an interface of no kind");
}

}  // namespace oriel
