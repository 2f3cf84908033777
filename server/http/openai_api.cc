#include "server/http/openai_api.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"
#include "server/http/openai_fields.h"

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

void ReadPromptList(FieldReader& reader, const Json& list, const ApiRules& rules,
                    std::vector<PromptInput>& prompts) {
  if (list.empty()) return reader.Fail("prompt", "prompt must not be an empty list");
  if (list.size() > static_cast<size_t>(rules.limits.choices_max)) {
    return reader.Fail("prompt", absl::StrCat("prompt has ", list.size(), " entries, at most ",
                                              rules.limits.choices_max, " are allowed"));
  }
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

void ReadPrompts(FieldReader& reader, const ApiRules& rules, std::vector<PromptInput>& prompts) {
  const Json* prompt = reader.Take("prompt");
  if (prompt == nullptr) return reader.Fail("prompt", "prompt is missing");
  if (prompt->is_string()) {
    prompts.emplace_back(prompt->get<std::string>());
  } else if (IsTokenList(*prompt)) {
    std::vector<TokenId> tokens;
    if (ReadTokens(reader, *prompt, tokens)) prompts.emplace_back(std::move(tokens));
  } else if (prompt->is_array()) {
    ReadPromptList(reader, *prompt, rules, prompts);
  } else {
    reader.Fail("prompt",
                "prompt must be a string, a list of strings, a list of token ids, or a list of "
                "lists of token ids");
  }
}

void CheckLogprobCount(FieldReader& reader, std::string_view name, const ApiRules& rules,
                       int32_t count) {
  if (count >= 0 && count <= rules.top_logprobs_max) return;
  reader.Fail(name, absl::StrCat(ToAbsl(name), " is ", count, ", it must be 0 to ",
                                 rules.top_logprobs_max));
}

void ReadCompletionLogprobs(FieldReader& reader, const ApiRules& rules,
                            GenerationOptions& options) {
  reader.Read("logprobs", options.num_logprobs);
  if (options.num_logprobs) CheckLogprobCount(reader, "logprobs", rules, *options.num_logprobs);
}

void ReadChatLogprobs(FieldReader& reader, const ApiRules& rules, GenerationOptions& options) {
  bool wanted = false;
  std::optional<int32_t> top;
  reader.Read("logprobs", wanted);
  reader.Read("top_logprobs", top);
  if (top && !wanted && *top != 0) {
    return reader.Fail("top_logprobs", "top_logprobs needs logprobs to be true");
  }
  if (!wanted) return;
  options.num_logprobs = top.value_or(0);
  CheckLogprobCount(reader, "top_logprobs", rules, *options.num_logprobs);
}

void CheckNumChoices(FieldReader& reader, const ApiRules& rules, int64_t n, int64_t num_prompts) {
  if (n * num_prompts <= rules.limits.choices_max) return;
  reader.Fail("n", absl::StrCat("n is ", n, " for ", num_prompts, " prompts, together at most ",
                                rules.limits.choices_max, " answers are allowed"));
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

absl::StatusOr<CompletionRequest> ParseCompletionRequest(const Json& body, const ApiRules& rules) {
  FieldReader reader(body);
  CompletionRequest request;
  RefuseUnsupportedFields(reader);
  ReadPrompts(reader, rules, request.prompts);
  ReadGenerationOptions(reader, rules, request.options);
  ReadCompletionLogprobs(reader, rules, request.options);
  reader.Read("echo", request.echo);
  reader.Read("add_special_tokens", request.add_special_tokens);
  AcceptFieldsWithoutEffect(reader);
  CheckNumChoices(reader, rules, request.options.n, static_cast<int64_t>(request.prompts.size()));
  if (request.options.max_tokens == 0 && !request.echo) {
    reader.Fail("max_tokens", "max_tokens is 0, which needs echo to be true");
  }
  ORIEL_RETURN_IF_ERROR(reader.status());
  request.options.ignored_fields = reader.UnreadNames();
  return request;
}

absl::StatusOr<ChatCompletionRequest> ParseChatCompletionRequest(const Json& body,
                                                                 const ApiRules& rules) {
  FieldReader reader(body);
  ChatCompletionRequest request;
  RefuseUnsupportedFields(reader);
  ReadChatInput(reader, rules, request.chat);
  ReadGenerationOptions(reader, rules, request.options);
  ReadMaxCompletionTokens(reader, request.options);
  ReadChatLogprobs(reader, rules, request.options);
  reader.Read("add_special_tokens", request.add_special_tokens);
  AcceptFieldsWithoutEffect(reader);
  CheckNumChoices(reader, rules, request.options.n, 1);
  bool echo = false;
  reader.Read("echo", echo);
  if (echo) reader.Fail(UnsupportedField("echo", "echo is supported by completions only"));
  if (request.options.max_tokens == 0) {
    reader.Fail("max_tokens", "max_tokens is 0, a chat must generate 1 at least");
  }
  ORIEL_RETURN_IF_ERROR(reader.status());
  request.options.ignored_fields = reader.UnreadNames();
  return request;
}

}  // namespace oriel
